# Vault's agent, for every service; SERVICE.hcl beside it has its login and what is for that service alone.
exit_after_auth = true

vault {
  address = "https://vault.vault:8200"
  ca_cert = "/etc/maily/vault/ca.pem"
}

# What can't be had ends the container with an error; the kubelet starts it again.
template_config {
  exit_on_retry_failure = true
}

# The service's certificate, its key, and the authority that all of ours are signed by. The agent may write it twice.
template {
  destination = "/etc/maily/secrets/service.key"
  perms       = "0400"
  contents    = <<-EOT
    {{- with pkiCert (printf "maily-pki/issue/%s" (env "SERVICE")) (printf "common_name=%s.maily.internal" (env "SERVICE")) (printf "uri_sans=spiffe://maily.internal/%s" (env "SERVICE")) "ttl=720h" -}}
    {{ .Key }}
    {{- .Cert | writeToFile "/etc/maily/secrets/service.pem" "" "" "0600" }}
    {{- .CA | writeToFile "/etc/maily/secrets/ca.pem" "" "" "0600" }}
    {{- end }}
  EOT
}

# What people's clients see: the edge listener's certificate and key, and the hashes of their keys.
template {
  destination          = "/etc/maily/secrets/edge.pem"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret (printf \"maily-kv/data/%s\" (env \"SERVICE\")) }}{{ index .Data.data \"edge.pem\" }}{{ end }}"
}

template {
  destination          = "/etc/maily/secrets/edge.key"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret (printf \"maily-kv/data/%s\" (env \"SERVICE\")) }}{{ index .Data.data \"edge.key\" }}{{ end }}"
}

template {
  destination          = "/etc/maily/secrets/edge.hashes"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret (printf \"maily-kv/data/%s\" (env \"SERVICE\")) }}{{ index .Data.data \"edge.hashes\" }}{{ end }}"
}
