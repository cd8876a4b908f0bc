"""The CI of the sandbox's GitLab: `.gitlab-ci.yml` of the commit itself, jobs that really run.

`engine.Ci` is the way in. A keyword that is not known here is a mistake in the configuration, never
passed over. Where this differs from GitLab:

- the runner takes jobs of all tags, two at a time, and runs them in a shell of this machine; `image`,
  `services` and `cache` are accepted and not used (each job's trace says so);
- `include` knows local files only; `needs` jobs of the same pipeline only; `retry` takes a number;
- `interruptible` cancels an older pipeline of the ref only if every job in it allows it;
- of the reports only JUnit and dotenv are read; the others are kept and listed, as in GitLab's Free tier;
- a canceled job is `canceled` at once (GitLab may show `canceling` first);
- artifacts expire on paper, they are not deleted; `[skip ci]` is not looked for.
"""
