# The law of each boundary, and the article that a transfer out of it would have to meet.
locals {
  boundaries = {
    eu = { law = "General Data Protection Regulation (EU) 2016/679, EEA included", article = "GDPR Article 44" }
    uk = { law = "UK GDPR as amended by the Data (Use and Access) Act 2025", article = "UK GDPR Article 44A" }
    ch = { law = "Federal Act on Data Protection", article = "FADP Article 16" }
    us = { law = "California Consumer Privacy Act and the rule on bulk sensitive personal data", article = "CCPA section 1798.100(d) and 28 CFR 202.301" }
    ca = { law = "Personal Information Protection and Electronic Documents Act", article = "PIPEDA Schedule 1, clause 4.1.3" }
    au = { law = "Privacy Act 1988", article = "Australian Privacy Principle 8.1" }
    br = { law = "Lei Geral de Proteção de Dados", article = "LGPD Article 33" }
    in = { law = "Digital Personal Data Protection Act 2023", article = "DPDP Act section 16" }
    jp = { law = "Act on the Protection of Personal Information", article = "APPI Article 28" }
    kr = { law = "Personal Information Protection Act", article = "PIPA Article 28-8" }
    sg = { law = "Personal Data Protection Act 2012", article = "PDPA section 26" }
    za = { law = "Protection of Personal Information Act", article = "POPIA section 72" }
  }

  # Outside processors that Maily can be told to use, and the boundaries inside which they promise to process.
  processors = {
    "api.fireworks.ai" = ["us"]
  }
}
