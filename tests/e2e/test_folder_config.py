"""What is said beside the user's config file: by a folder that was trusted, and by the environment."""

import fake_server as fake
import pytest


@pytest.fixture
def folder(home, serving):
    """The working folder, two below the root of a repository."""
    serving(*[fake.answer()] * 4)
    root = home.work
    (root / ".git").mkdir()
    home.root_of_repository = root
    home.work = root / "a" / "b"
    home.work.mkdir(parents=True)
    return home


def system_of(home, server):
    assert home.run("q").code == 0
    first = server.turns()[-1].json["messages"][0]
    return first["content"] if first["role"] == "system" else None


def test_a_folder_is_read_only_once_it_is_trusted_and_until_it_changes(folder, server):
    file = folder.root_of_repository / ".weir.toml"
    file.write_text('system = "from the folder"\n')
    done = folder.run("q")
    assert done.code == 0 and "weir trust" in done.err, done
    assert folder.run("-q", "q").err == ""
    shown = folder.weir("trust", "--yes")
    assert shown.code == 0 and "from the folder" in shown.out, shown
    assert system_of(folder, server) == "from the folder"
    file.write_text('system = "changed"\n')
    assert system_of(folder, server) is None


def test_nothing_is_trusted_unasked(folder, server, monkeypatch):
    monkeypatch.chdir(folder.work)
    file = folder.root_of_repository / ".weir.toml"
    file.write_text('system = "from the folder"  # \u202e\n')
    done = folder.weir("trust", stdin=b"y\n")
    assert done.code == 2 and "--yes" in done.err and "from the folder" in done.out, done
    assert system_of(folder, server) is None
    for answer, trusted in (("\r", False), ("n\r", False), ("y\r", True)):
        with folder.screen("trust") as screen:
            screen.wait_for("[y/N]")
            assert "from the folder" in screen.text() and "<202E>" in screen.text()
            screen.send(answer)
            assert (screen.wait_exit() == 0) == trusted
        assert (system_of(folder, server) is not None) == trusted


def test_the_nearest_file_counts_and_trust_is_taken_back(folder, server):
    (folder.root_of_repository / ".weir.toml").write_text('system = "far"\n')
    near = folder.work.parent / ".weir.toml"
    near.write_text('system = "near"\n')
    assert folder.weir("trust", "--yes").code == 0
    assert system_of(folder, server) == "near"
    assert system_of(folder, server) == "near"
    done = folder.weir("trust", "--remove", "-q")
    assert done.code == 0 and done.err == "", done
    assert system_of(folder, server) is None


def test_a_file_above_the_repository_or_without_one_is_not_looked_for(folder):
    (folder.root_of_repository / ".git").rmdir()
    (folder.root_of_repository / ".weir.toml").write_text('system = "x"\n')
    assert folder.weir("trust").code == 65
    assert "weir trust" not in folder.run("q").err
    (folder.work / ".weir.toml").write_text("")
    assert folder.weir("trust", "--yes").code == 0


@pytest.mark.parametrize("text", [
    '[provider.fake]\nbase_url = "http://127.0.0.1:1/v1"\n', '[provider.fake.headers]\nA = "b"\n',
    '[provider.fake]\napi_key_cmd = ["sh"]\n', '[store]\npath = "/tmp/x"\n',
    '[budget]\ndaily = "9.00"\n', "modle = 1\n", "model = 1\n"])
def test_a_folder_says_nothing_about_servers_keys_files_and_money(folder, text):
    (folder.work / ".weir.toml").write_text(text)
    done = folder.weir("trust")
    assert done.code == 78 and ".weir.toml" in done.err, done
    done = folder.run("q")
    assert done.code == 0 and "weir trust" in done.err, "it was not trusted"


def test_a_file_that_was_trusted_is_checked_again_when_it_is_read(folder):
    (folder.work / ".weir.toml").write_text('model = "nowhere/x"\n')
    assert folder.weir("trust", "--yes").code == 0
    assert folder.run("q").code == 78
    assert folder.run("-m", "fake/fake-model", "q").code == 0


def test_the_environment_goes_before_folder_and_file(folder, server):
    (folder.work / ".weir.toml").write_text('system = "folder"\n')
    assert folder.weir("trust", "--yes").code == 0
    folder.env["WEIR_SYSTEM"] = 'say "no"\\\nor yes'
    assert system_of(folder, server) == 'say "no"\\\nor yes'
    shown = folder.weir("config", "show", WEIR_NETWORK_IDLE_TIMEOUT_S="7.5", WEIR_BUDGET_DAILY="1.5",
                        WEIR_STORE_DEBOUNCE_MS="50", WEIR_NETWORK_ATTEMPTS="2")
    assert "idle_timeout_s = 7.5" in shown.out and "debounce_ms = 50" in shown.out
    assert "attempts = 2" in shown.out


@pytest.mark.parametrize(("name", "value"), [
    ("WEIR_NETWORK_ATTEMPTS", "many"), ("WEIR_NETWORK_ATTEMPTS", "99"), ("WEIR_BUDGET_DAILY", "x"),
    ("WEIR_STORE_DEBOUNCE_MS", "1\nmodel = \"x\"")])
def test_a_variable_that_is_wrong_is_named(home, serving, name, value):
    serving()
    done = home.run("q", **{name: value})
    assert done.code == 78 and name in done.err, done
