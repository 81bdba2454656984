//! What makers of tokens, addresses and programs are known for. New ones are added here.

/// Beginnings that makers of tokens give them, and how many characters follow at least. Those whose rest mixes letters and
/// digits are known by that as well (`random`); here are those with other rests, too.
pub(super) const TOKENS: &[(&str, usize)] = &[
    // GitHub, GitLab
    ("ghp_", 6),
    ("gho_", 6),
    ("ghu_", 6),
    ("ghs_", 6),
    ("ghr_", 6),
    ("github_pat_", 6),
    ("glpat-", 6),
    ("gldt-", 6),
    ("glrt-", 6),
    ("glrtr-", 6),
    ("glcbt-", 6),
    ("glptt-", 6),
    ("glft-", 6),
    ("glagent-", 6),
    ("gloas-", 6),
    ("glsoat-", 6),
    ("glimt-", 6),
    ("glffct-", 6),
    // Stripe
    ("sk_live_", 4),
    ("sk_test_", 4),
    ("rk_live_", 4),
    ("rk_test_", 4),
    ("whsec_", 6),
    // Slack
    ("xoxa-", 6),
    ("xoxb-", 6),
    ("xoxc-", 6),
    ("xoxd-", 6),
    ("xoxe-", 6),
    ("xoxe.", 6),
    ("xoxp-", 6),
    ("xoxr-", 6),
    ("xoxs-", 6),
    ("xapp-", 6),
    // AWS
    ("AKIA", 12),
    ("ASIA", 12),
    // Google
    ("AIza", 30),
    ("ya29.", 10),
    ("GOCSPX-", 10),
    ("1//0", 30),
    // OpenAI and Anthropic, Groq, xAI, Perplexity, Replicate, Hugging Face
    ("sk-", 20),
    ("gsk_", 20),
    ("xai-", 20),
    ("pplx-", 20),
    ("r8_", 20),
    ("hf_", 20),
    // packages: npm, PyPI, RubyGems, Clojars, crates.io, Docker
    ("npm_", 20),
    ("pypi-", 16),
    ("rubygems_", 20),
    ("CLOJARS_", 20),
    ("cio", 30),
    ("dckr_pat_", 6),
    // mail: SendGrid, Mailgun
    ("SG.", 20),
    ("key-", 32),
    // shops: Shopify, Square
    ("shpat_", 10),
    ("shpca_", 10),
    ("shppa_", 10),
    ("shpss_", 10),
    ("sq0atp-", 10),
    ("sq0csp-", 10),
    // hosts: DigitalOcean, Netlify, Vercel, Supabase, PlanetScale, Heroku, Pulumi
    ("dop_v1_", 10),
    ("doo_v1_", 10),
    ("dor_v1_", 10),
    ("nfp_", 20),
    ("vercel_", 20),
    ("sbp_", 20),
    ("sb_secret_", 10),
    ("pscale_", 20),
    ("HRKU-", 20),
    ("pul-", 30),
    // Vault, Doppler, age, Databricks
    ("hvs.", 16),
    ("hvb.", 16),
    ("hvr.", 16),
    ("dp.pt.", 16),
    ("AGE-SECRET-KEY-1", 20),
    ("dapi", 30),
    // tools: Linear, Notion, Atlassian, Figma, Postman, Sonar, Sentry, Grafana, New Relic
    ("lin_api_", 10),
    ("lin_oauth_", 10),
    ("ntn_", 20),
    ("secret_", 20),
    ("ATATT", 20),
    ("ATBB", 20),
    ("figd_", 20),
    ("PMAK-", 20),
    ("sqp_", 20),
    ("squ_", 20),
    ("sqa_", 20),
    ("sntrys_", 10),
    ("glsa_", 20),
    ("glc_", 20),
    ("NRAK-", 20),
    // a JSON Web Token
    ("eyJ", 12),
];

/// What stands behind these in an address is a secret by itself.
pub(super) const ADDRESSES: &[&str] = &[
    "hooks.slack.com/",
    "hooks.slack-gov.com/",
    "discord.com/api/",
    "discordapp.com/api/",
    ".webhook.office.com/",
    "api.telegram.org/bot",
    "hooks.zapier.com/hooks/",
    "maker.ifttt.com/trigger/",
];

/// Parameters of addresses that are secrets there, and mean something else in other places.
pub(super) const PARAMETERS: &[&str] = &["sig", "signature", "x-amz-signature", "x-goog-signature", "code", "sid"];

/// What stands behind these words of a header is a secret, if it looks like one.
pub(super) const SCHEMES: &[&str] = &["bearer", "basic"];

/// Options that are followed by a secret: the last word of their names, or the last two. Fewer than for variables, since
/// `--auth` or `--key` may also be followed by something else.
pub(super) const OPTIONS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASS",
    "REQUIREPASS",
    "PASSPHRASE",
    "TOKEN",
    "AUTHTOKEN",
    "OTP",
    "SECRET",
    "APIKEY",
    "ACCESSKEY",
    "SECRETKEY",
    "PRIVATEKEY",
    "ENCRYPTIONKEY",
    "SIGNINGKEY",
    "MASTERKEY",
];

/// Words whose value is a secret also where other words only speak of one: `password: x`, but `token: none`.
pub(super) const PASSWORDS: &[&str] = &["PASSWORD", "PASSWD", "PASSPHRASE", "PWD"];

/// Programs, by the beginning of their names, with an option that a secret follows.
pub(super) const PROGRAMS: &[Program] = &[
    Program { name: "mysql", option: "-p", blank: false, user: false },
    Program { name: "mariadb", option: "-p", blank: false, user: false },
    Program { name: "sshpass", option: "-p", blank: true, user: false },
    Program { name: "mongo", option: "-p", blank: true, user: false },
    // `docker login`, `az login`
    Program { name: "login", option: "-p", blank: true, user: false },
    Program { name: "sqlcmd", option: "-P", blank: true, user: false },
    Program { name: "ldap", option: "-w", blank: true, user: false },
    Program { name: "redis-cli", option: "-a", blank: true, user: false },
    Program { name: "curl", option: "-u", blank: true, user: true },
    Program { name: "curl", option: "--user", blank: true, user: true },
    Program { name: "http", option: "-a", blank: true, user: true },
];

/// A program with such an option.
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) option: &'static str,
    /// A blank may stand between the option and the secret.
    pub(super) blank: bool,
    /// It is asked for a user, so of what holds a colon, the secret is what stands behind it.
    pub(super) user: bool,
}
