"""One secret of every kind, made up; whoever takes secrets out of a text is tried on all of them."""

_SIGNS = "a1B2c3D4e5F6g7H8i9J0"

SECRETS = (
    # Put together here, so that no scanner takes them for real.
    *(
        f"{prefix}{_SIGNS * 2}"
        for prefix in ("twin_", "sk-", "sk-proj-", "sk-ant-", "ghp_", "gho_", "github_pat_")
    ),
    *(f"{prefix}{_SIGNS * 2}" for prefix in ("glpat-", "xoxb-", "xoxe-", "hf_", "npm_", "pypi-", "sk_live_")),
    *(f"{prefix}ABCD1234EFGH5678" for prefix in ("AKIA", "ASIA")),
    f"AIza{_SIGNS}{_SIGNS[:15]}",
    f"SG.{_SIGNS}.{_SIGNS}",
    f"dop_v1_{'0f' * 32}",
    f"123456789:AA{_SIGNS}{_SIGNS[:13]}",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVP",
    f"-----BEGIN RSA PRIVATE KEY-----\n{_SIGNS}\n{_SIGNS}\n-----END RSA PRIVATE KEY-----",
)
