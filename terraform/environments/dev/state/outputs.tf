output "place" {
  description = "Where the state is kept: account or bucket, as the backend names it."
  value       = module.state.place
}

output "key" {
  description = "The key that encrypts the state."
  value       = module.state.key
}
