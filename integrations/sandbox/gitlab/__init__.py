"""A GitLab for the demo and the tests: REST v4, git over HTTP, real repositories, webhooks."""
