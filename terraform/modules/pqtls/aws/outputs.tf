output "policy" {
  description = "The load balancer's TLS policy."
  value       = aws_lb_listener.edge.ssl_policy
}

output "groups" {
  description = "Key exchange groups offered, best first."
  value       = local.groups
}

output "terminates" {
  description = "Where TLS ends: at the cloud's load balancer, which opens TLS anew to the service."
  value       = "cloud"
}

output "address" {
  description = "The load balancer's own name, for the hostname's CNAME."
  value       = aws_lb.edge.dns_name
}

output "target_group" {
  description = "Target group that the services' addresses are registered with."
  value       = aws_lb_target_group.edge.arn
}
