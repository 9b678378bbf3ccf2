#!/bin/sh
# Tells a Vault what libs/keys/vault/README.md asks of an operator: for each service a Transit mount, its policy, and an
# AppRole whose secret id the service has already. Again, it changes nothing.
set -eu
vault=http://vault:8200/v1
secrets=/etc/maily/secrets
umask 077
header=$(mktemp)
trap 'rm -f "$header"' EXIT
# In a file: arguments can be seen by others.
printf 'X-Vault-Token: %s' "$(cat "$secrets/root-token")" > "$header"

ask() { # METHOD PATH, the body on standard input
  curl --silent --show-error --fail --max-time 10 --header "@$header" --request "$1" --data-binary @- "$vault/$2"
}

# Enables an engine or a method, unless it is there.
ensure() { # KIND NAME TYPE
  ask GET "sys/$1" < /dev/null | grep -q "\"$2/\"" || echo "{\"type\":\"$3\"}" | ask POST "sys/$1/$2"
}

ensure auth approle approle
for service in storage compliance; do
  name=maily-$service
  ensure mounts "$name" transit
  # Vault takes a policy in Base64, so that nothing needs escaping.
  printf '{"policy":"%s"}' "$(base64 < "/policies/$service.hcl" | tr -d '\n')" | ask PUT "sys/policies/acl/$name"
  printf '{"token_policies":["%s"],"token_no_default_policy":true,"token_ttl":"1h","token_max_ttl":"24h"}' "$name" |
    ask POST "auth/approle/role/$name"
  printf '{"role_id":"%s"}' "$name" | ask POST "auth/approle/role/$name/role-id"
  secret=$(cat "$secrets/$service.secret-id")
  # Refused where it is known.
  printf '{"secret_id":"%s"}' "$secret" | ask POST "auth/approle/role/$name/secret-id/lookup" | grep -q secret_id_ttl ||
    printf '{"secret_id":"%s"}' "$secret" | ask POST "auth/approle/role/$name/custom-secret-id" > /dev/null
done
echo "Vault knows storage and compliance"
