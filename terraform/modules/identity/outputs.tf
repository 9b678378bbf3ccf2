output "principals" {
  description = "Each service's object id, to which storage, Redis and the registry grant access."
  value       = { for service, identity in azurerm_user_assigned_identity.service : service => identity.principal_id }
}

output "annotations" {
  description = "What each service's Kubernetes service account carries, so that its pods get the identity."
  value = { for service, identity in azurerm_user_assigned_identity.service : service => {
    "azure.workload.identity/client-id" = identity.client_id
  } }
}
