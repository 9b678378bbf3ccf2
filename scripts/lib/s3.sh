# Sending files to an S3-compatible store and fetching them, signed by curl. Sourced, never run.
# shellcheck shell=bash

# The digest of an empty body: S3 signs what is sent.
readonly S3_NOTHING='x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

# The keys go in on standard input: arguments can be seen by others.
s3_curl() { # KEYS OPTION…
  local keys="$1" id secret
  shift
  need curl
  id="$(sed -n 's/^ROOT_ACCESS_KEY=//p' "$keys")"
  secret="$(sed -n 's/^ROOT_SECRET_KEY=//p' "$keys")"
  [[ -n "$id" && -n "$secret" ]] || die "$keys holds no ROOT_ACCESS_KEY and ROOT_SECRET_KEY"
  printf 'user = "%s:%s"\n' "$id" "$secret" |
    curl --config - --silent --show-error --fail --retry 3 --connect-timeout 10 --speed-time 60 --speed-limit 1 \
      --aws-sigv4 "aws:amz:${AWS_REGION:-us-east-1}:s3" "$@"
}

s3_put() { # FILE URL KEYS
  local digest
  digest="$(sha256sum -- "$1" | cut -d' ' -f1)"
  s3_curl "$3" --header "x-amz-content-sha256: $digest" --upload-file "$1" "$2" > /dev/null
}

s3_get() { # URL FILE KEYS
  s3_curl "$3" --header "$S3_NOTHING" --output "$2" "$1"
}

s3_make_bucket() { # URL KEYS
  s3_curl "$2" --header "$S3_NOTHING" --request PUT "$1" > /dev/null
}
