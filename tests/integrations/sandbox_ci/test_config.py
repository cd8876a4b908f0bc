"""What is wrong in a `.gitlab-ci.yml` is said, all of it; nothing is passed over."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from integrations.sandbox.gitlab.ci.config import read_config
from integrations.sandbox.gitlab.ci.document import ConfigError


def refused(text: str, **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(textwrap.dedent(text), **more)
    return "\n".join(caught.value.messages)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid configuration format"),
        ("- a", "Invalid configuration format"),
        ("a: [", "Invalid configuration format"),
        ("stages: [test]", "at least one visible job"),
        ("a: 1", "jobs:a config should implement the script:"),
        ("a: {stage: test}", "jobs:a config should implement the script:"),
        ("a: {script: x, scirpt: y}", "jobs:a config contains unknown keys: scirpt"),
        ("a: {script: x, only: [main]}", "`only` is not supported by this sandbox"),
        ("a: {script: x, parallel: 3}", "`parallel` is not supported by this sandbox"),
        ("a: {script: x, when: delayed}", "jobs:a when should be one of"),
        ("a: {script: x, stage: nope}", "chosen stage nope does not exist"),
        ("a: {script: 3}", "should be a string or a nested array of strings"),
        ("a: {script: x, needs: [b]}", "undefined need: b"),
        ("a: {script: x, dependencies: [b]}", "undefined dependency: b"),
        (
            "a: {script: x, stage: test, needs: [b]}\nb: {script: x, stage: deploy}",
            "is not defined in current or prior",
        ),
        ("a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}", "circular dependencies"),
        ("a: {script: x, needs: [{pipeline: other}]}", "`pipeline` is not supported"),
        ("a: {script: x, allow_failure: {exit_codes: 1}}", "allow failure should be a boolean"),
        ("a: {script: x, retry: 3}", "must be a number between 0 and 2"),
        ("a: {script: x, timeout: soon}", "timeout config should be a duration"),
        ("a: {script: x, coverage: 80}", "coverage config should be a string"),
        ("a: {script: x, coverage: '(x'}", "must be a regular expression"),
        ("a: {script: x, artifacts: {path: [a]}}", "jobs:a:artifacts config contains unknown keys: path"),
        ("a: {script: x, artifacts: {reports: {dast: a}}}", "`dast` is not supported"),
        ("a: {script: x, artifacts: {reports: {cobertura: a}}}", "unknown keys: cobertura"),
        ("a: {script: x, artifacts: {reports: {sast: 1}}}", "reports:sast config should be an array"),
        (
            "a: {script: x, artifacts: {reports: {coverage_report: a.xml}}}",
            "coverage_report config should be",
        ),
        (
            "a: {script: x, artifacts: {reports: {coverage_report: {path: a}}}}",
            "coverage_report coverage format should be one of: cobertura",
        ),
        (
            "a: {script: x, artifacts: {reports: {coverage_report: {coverage_format: jacoco, path: a}}}}",
            "`jacoco` is not supported",
        ),
        (
            "a: {script: x, artifacts: {reports: {coverage_report: {coverage_format: cobertura}}}}",
            "coverage_report path config should be a string",
        ),
        ("a: {script: x, environment: {name: p, tier: x}}", "contains unknown keys: tier"),
        ("a: {script: x, environment: {name: p, on_stop: z}}", "on_stop job z is not defined"),
        ("a: {script: x, rules: [{if: '$A ='}]}", "invalid expression syntax"),
        ("a: {script: x, rules: [{unless: $A}]}", "contains unknown keys: unless"),
        ("a: {script: x, rules: [{when: delayed}]}", "when should be one of"),
        ("a: {script: x, when: manual, rules: [{if: $A}]}", "may not be used with `rules`: when"),
        ("a: {script: x, variables: {B: [1]}}", "should be a hash of key value pairs"),
        ("a: {script: x, variables: {B: true}}", "should be a hash of key value pairs"),
        ("a: {script: x, extends: .b}", "unknown key in `extends` (.b)"),
        (".b: {extends: .c}\n.c: {extends: .b}\na: {script: x, extends: .b}", "circular dependency"),
        ("a: {script: !reference [.b, script]}", "could not be found"),
        ("include: {remote: 'https://example.com/a.yml'}\na: {script: x}", "only local files"),
        ("include: gone.yml\na: {script: x}", "Local file `gone.yml` does not exist!"),
        ("workflow: {rule: []}\na: {script: x}", "workflow config contains unknown keys: rule"),
        (
            "workflow: {rules: [{when: manual, allow_failure: true}]}\na: {script: x}",
            "unknown keys: allow_failure",
        ),
        ("default: {script: y}\na: {script: x}", "default config contains unknown keys: script"),
        ("specs: {}\n---\na: {script: x}", "header config contains unknown keys: specs"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    assert message in refused(text)


def test_every_mistake_is_named_not_only_the_first() -> None:
    messages = refused("a: {script: x, foo: 1, stage: nope}\nb: {bar: 2}\n")
    assert "unknown keys: foo" in messages
    assert "chosen stage nope" in messages
    assert "jobs:b config" in messages


def test_an_input_must_be_known_given_and_of_its_kind() -> None:
    text = """
    spec:
      inputs:
        step: {options: [verify, ship]}
        count: {type: number, default: 1}
    ---
    a: {script: "run $[[ inputs.step ]] $[[ inputs.count ]]"}
    """
    assert "`step` input: required value has not been provided" in refused(text)
    assert "not defined in the `spec` section: other" in refused(text, inputs={"step": "ship", "other": 1})
    assert "not in the list of options" in refused(text, inputs={"step": "sink"})
    assert "provided value is not a number" in refused(text, inputs={"step": "ship", "count": "2"})
    config = read_config(textwrap.dedent(text), inputs={"step": "ship", "count": 3})
    assert config.jobs["a"].script == ("run ship 3",)


def test_an_interpolation_of_something_else_is_refused() -> None:
    assert "unknown interpolation" in refused("a: {script: '$[[ inputs.x | upcase ]]'}")
    assert "unknown interpolation key: `x`" in refused("a: {script: '$[[ inputs.x ]]'}")


def test_extends_merges_mappings_and_replaces_lists() -> None:
    config = read_config(
        textwrap.dedent(
            """
            .base:
              variables: {A: base, B: base}
              before_script: [base]
              script: [base]
            .more:
              extends: .base
              variables: {B: more}
            job:
              extends: [.more]
              script: [own]
              variables: {C: own}
            """
        )
    )
    job = config.jobs["job"]
    assert job.script == ("own",)
    assert job.before_script == ("base",)
    assert job.variables == {"A": "base", "B": "more", "C": "own"}
    assert list(config.jobs) == ["job"]


def test_anchors_references_and_nested_scripts_are_laid_flat() -> None:
    config = read_config(
        textwrap.dedent(
            """
            .setup: &setup {before_script: [prepare]}
            .lines: {script: [one, two]}
            job:
              <<: *setup
              script: [zero, !reference [.lines, script], [[three]]]
            """
        )
    )
    assert config.jobs["job"].script == ("zero", "one", "two", "three")
    assert config.jobs["job"].before_script == ("prepare",)


def test_an_included_file_lies_beneath_the_one_that_includes_it() -> None:
    files = {
        "ci/base.yml": "spec: {inputs: {word: {}}}\n---\n"
        "stages: [one]\nvariables: {A: base, B: base}\n.job: {script: 'say $[[ inputs.word ]]'}\n"
    }
    config = read_config(
        "include: [{local: /ci/base.yml, inputs: {word: hello}}]\n"
        "variables: {B: main}\njob: {extends: .job, stage: one}\n",
        include=files.__getitem__,
    )
    assert config.variables == {"A": "base", "B": "main"}
    assert config.jobs["job"].script == ("say hello",)


def test_defaults_fill_in_what_a_job_leaves_out() -> None:
    config = read_config(
        "default: {before_script: [d], retry: 1, timeout: 1h 30m, image: alpine}\n"
        "a: {script: x}\nb: {script: x, before_script: [], retry: {max: 2}, timeout: 90 seconds}\n"
    )
    a, b = config.jobs["a"], config.jobs["b"]
    assert (a.before_script, a.retry, a.timeout_s, a.not_used) == (("d",), 1, 5400.0, ("image",))
    assert (b.before_script, b.retry, b.timeout_s) == ((), 2, 90.0)
