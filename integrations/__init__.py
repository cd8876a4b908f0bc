"""The outside: narrow typed ports to Jira, GitLab, Slack and the ledger.

The only place where a vendor's SDK is imported. Knows nothing of Prefect and nothing of the rules.
"""
