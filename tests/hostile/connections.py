"""Attacks on a bindings file: addresses inside, schemes, users, secrets, effects that anybody may repeat."""

GOOD = """\
version: 1
base: https://api.example.com
allow_hosts: [api.example.com]
actions:
  content.disable:
    method: POST
    path: /items/{url}/disable
    body: {scope: "{scope}", ground: "{ground?}"}
    idempotency: header
    outputs: {disabled_at: at}
"""


def _at(address: str) -> bytes:
    """The host of the bindings replaced by this address, on the list too."""
    return GOOD.replace("https://api.example.com", address).replace("[api.example.com]", f'["{address}"]').encode()


def _with(old: str, new: str) -> bytes:
    assert GOOD.count(old) >= 1, old
    return GOOD.replace(old, new, 1).encode()


CONNECTIONS: dict[str, tuple[bytes, str, int]] = {
    "metadata_address.yaml": (_at("https://169.254.169.254"), "not a public address", 3),
    "loopback_address.yaml": (_at("https://127.0.0.1"), "not a public address", 3),
    "private_address.yaml": (_at("https://10.0.0.1"), "not a public address", 3),
    "loopback_of_ipv6.yaml": (_at("https://[::1]"), "not a public address", 3),
    "mapped_address.yaml": (_at("https://[::ffff:169.254.169.254]"), "", 3),
    "nat64_address.yaml": (_at("https://[64:ff9b::a9fe:a9fe]"), "not a public address", 3),
    "decimal_address.yaml": (_at("https://2852039166"), "", 3),
    "octal_address.yaml": (_at("https://0251.0376.0251.0376"), "", 3),
    "hex_address.yaml": (_at("https://0xa9fea9fe"), "", 3),
    "short_address.yaml": (_at("https://127.1"), "", 3),
    "plain_http.yaml": (_at("http://api.example.com"), "not https", 3),
    "file_scheme.yaml": (_at("file:///etc/passwd"), "", 3),
    "gopher_scheme.yaml": (_at("gopher://api.example.com"), "", 3),
    "user_in_address.yaml": (_at("https://api.example.com@evil.example"), "", 3),
    "full_width_digits.yaml": (_at("https://\uff11\uff12\uff17.0.0.1"), "", 3),
    "wildcard_host.yaml": (_with("[api.example.com]", '["*.example.com"]'), "", 3),
    "suffix_look_alike.yaml": (
        _with("base: https://api.example.com", "base: https://api.example.com.evil.example"),
        "not on the list",
        2,
    ),
    "host_not_listed.yaml": (_with("[api.example.com]", "[other.example.com]"), "not on the list", 2),
    "sandbox_that_is_not.yaml": (_with("version: 1", "version: 1\nsandbox: true"), "not on loopback", 4),
    "line_break_in_address.yaml": (
        _with("base: https://api.example.com", 'base: "https://api.example.com\\r\\nX: y"'),
        "",
        2,
    ),
    "variable_of_the_environment.yaml": (
        _with("base: https://api.example.com", "base: https://${HOME}"),
        "not a variable",
        2,
    ),
    "template_of_another_value.yaml": (_with('"{scope}"', '"{__class__}"'), "no input's name", 8),
    "effect_by_get.yaml": (_with("method: POST", "method: GET"), "GET", 5),
    "effect_without_key.yaml": (_with("    idempotency: header\n", ""), "deduplicates", 5),
    "python_tag.yaml": (_with("method: POST", "method: !!python/name:os.system"), "tag", 6),
    "alias.yaml": (_with("method: POST", "method: &a POST"), "anchor", 6),
    "deep.yaml": (b"actions: " + b"[" * 30_000, "nested too deeply", 1),
}
"""File -> content, words of the refusal, its line."""
