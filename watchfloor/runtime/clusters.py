"""The connection to a Temporal cluster, from Temporal's own environment variables and TOML profiles."""

from collections.abc import Mapping
from typing import NoReturn

from temporalio.envconfig import ClientConfig, ClientConfigProfile, ClientConnectConfig

from watchfloor.runtime.refusal import SettingsRefused


def cluster_connection(region: str, environ: Mapping[str, str]) -> ClientConnectConfig | None:
    """What Temporal's configuration says for a region, or None where it names no address.

    The profile is `TEMPORAL_PROFILE` where that is set, else `watchfloor-<region>` of the TOML file; variables override
    single values of it. Without either, the variables alone count.

    Raises:
        SettingsRefused: the file does not parse, the named profile is missing, a certificate cannot be read, or an
            address comes without a namespace.
    """
    env = dict(environ)
    profile = env.get("TEMPORAL_PROFILE", "").strip() or f"watchfloor-{region}"
    try:
        known = ClientConfig.load(override_env_vars=env).profiles
        if profile in known:
            loaded = ClientConfigProfile.load(profile, config_file_strict=True, override_env_vars=env)
        elif env.get("TEMPORAL_PROFILE", "").strip():
            _refuse_profile(profile, known)
        else:
            loaded = ClientConfigProfile.load(disable_file=True, override_env_vars=env)
        config = loaded.to_client_connect_config()
    except OSError as error:
        raise SettingsRefused(
            f"Temporal's configuration for `{region}` names a file that cannot be read: {error.filename}",
            expected="readable certificate and key files",
            fix=f"correct the path in profile `{profile}` or the TEMPORAL_TLS_* variables, or the file's permissions",
        ) from error
    except RuntimeError as error:  # the bridge's ConfigError is a RuntimeError without a public name
        raise SettingsRefused(
            f"Temporal's configuration for `{region}` is refused: {error}",
            expected="a file in the format of `temporal config`",
            fix="correct the file TEMPORAL_CONFIG_FILE names (or the default one), or unset the variable",
        ) from error
    if "target_host" not in config:
        return None
    if not config.get("namespace"):
        raise SettingsRefused(
            f"Temporal's configuration for `{region}` names the address {config['target_host']} but no namespace",
            expected="one namespace for each region",
            fix=f"set TEMPORAL_NAMESPACE, or `namespace` in the profile `{profile}`",
        )
    return config


def _refuse_profile(profile: str, known: Mapping[str, object]) -> NoReturn:
    names = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
    raise SettingsRefused(
        f"TEMPORAL_PROFILE names `{profile}`, which is not in Temporal's configuration file",
        expected=f"one of its profiles: {names}",
        fix="correct TEMPORAL_PROFILE, or name the right file in TEMPORAL_CONFIG_FILE",
    )
