from entreg.errors import ConfigError, DataError, RunError, UserError


def test_exit_codes_tell_configuration_from_run_time() -> None:
    assert ConfigError("x").exit_code == 2
    assert DataError("x").exit_code == RunError("x").exit_code == UserError("x").exit_code == 1
