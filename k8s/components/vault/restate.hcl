# The pod of the orchestrator has Restate in it, which signs its calls.
path "maily-kv/data/restate" {
  capabilities = ["read"]
}
