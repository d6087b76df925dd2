"""The language server: what an editor shows of a runbook while it is being typed. Same compiler, same findings."""
