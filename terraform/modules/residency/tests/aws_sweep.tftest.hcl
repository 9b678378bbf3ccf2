# Every AWS region against each boundary: none outside is accepted, none inside refused, and no accepted copy leaves.

run "aws_eu" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_uk" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_ch" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_us" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_ca" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_au" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_br" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_in" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_jp" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_kr" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_sg" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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

run "aws_za" {
  command = plan

  module {
    source = "./tests/sweep"
  }
  variables {
    cloud    = "aws"
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
