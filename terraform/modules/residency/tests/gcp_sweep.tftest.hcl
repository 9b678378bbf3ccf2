# Every Google Cloud region against each boundary: none outside is accepted, none inside refused, and no accepted copy leaves.

run "gcp_eu" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "eu"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_uk" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "uk"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_ch" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "ch"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_us" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "us"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_ca" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "ca"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_au" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "au"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_br" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "br"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_in" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "in"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_jp" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "jp"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_kr" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "kr"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_sg" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "sg"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}

run "gcp_za" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "gcp"
    boundary = "za"
  }

  assert {
    condition     = length(output.expected) > 0 && jsonencode(output.accepted) == jsonencode(output.expected)
    error_message = "accepted ${join(" ", output.accepted)}; inside are ${join(" ", output.expected)}"
  }
  assert {
    condition     = output.explained && length(output.primaries_refused) == 0
    error_message = "a refusal without its article, or refused as primary: ${join(" ", output.primaries_refused)}"
  }
  assert {
    condition     = length(output.copies_outside) == 0
    error_message = "copies leave the boundary: ${join(", ", output.copies_outside)}"
  }
  assert {
    condition     = length(output.copies_refused) == 0 && length(output.pairs_differ) == 0
    error_message = "refused inside: ${join(", ", output.copies_refused)}; pairs differ: ${join(", ", output.pairs_differ)}"
  }
}
