"""Every method of the PyPI package `spacelift`, against the account that SPACELIFT_BASE_URL points at.

The account must be the mock's built-in one, and nobody else's: this creates and deletes. The first argument, if
there is one, is the base URL with `/graphql`. Ends with status 0 if everything answered as Spacelift would.
"""

import inspect
import sys

from gql.transport.exceptions import TransportQueryError
from spacelift import Spacelift

called = set()


class Recording(Spacelift):
    """Notes which of the package's methods were used."""

    def __getattribute__(self, name):
        called.add(name)
        return super().__getattribute__(name)


def refused(message, call):
    """The call must fail with this message."""
    try:
        result = call()
    except TransportQueryError as error:
        assert error.errors[0]["message"] == message, error.errors
    else:
        raise AssertionError(f"expected {message!r}, got {result!r}")


def log_in(base_url):
    client = Recording(base_url=base_url)
    assert client.jwt.count(".") == 2, client.jwt
    stranger = Spacelift(base_url=base_url, key_id="01JSMHTFM9TXWW1XK4AZN1SA8X", key_secret="wrong")
    try:
        stranger.get_spaces()
    except ValueError as error:
        assert "Invalid spacelift keyId" in str(error), error
    else:
        raise AssertionError("a wrong key was let in")
    return client


def spaces(client):
    ids = [space["id"] for space in client.get_spaces()]
    assert ids == ["applications", "network", "platform", "root", "sandbox"], ids
    assert client.get_spaces(["id", "parentSpace"])[0]["parentSpace"] == "root"
    assert client.get_space_by_id("network") == {"id": "network", "name": "network"}
    assert client.get_space_by_id("nowhere") is None
    created = client.create_space("Python", "root", "made by a client", labels=["by:python"])["spaceCreate"]
    assert created["name"] == "Python" and created["labels"] == ["by:python"], created
    assert created["id"].startswith("python-"), created
    refused("parent space not found", lambda: client.create_space("x", "nowhere", ""))
    assert client.delete_space(created["id"]) == {"spaceDelete": {"id": created["id"]}}
    assert client.delete_space(created["id"]) == {"spaceDelete": None}


def contexts(client):
    names = [context["name"] for context in client.get_contexts()]
    assert names == ["aws-defaults", "registry-login", "storefront-settings"], names
    variables = [
        {"id": "FOO", "value": "bar", "type": "ENVIRONMENT_VARIABLE", "writeOnly": False},
        {"id": "BAZ", "value": "qux", "type": "ENVIRONMENT_VARIABLE", "writeOnly": True},
    ]
    created = client.create_context("Python context", "root", "by a client", ["a"], variables)["contextCreateV2"]
    expected = [{"id": "FOO", "value": "bar"}, {"id": "BAZ", "value": None}]
    assert created == {"id": "python-context", "name": "Python context", "config": expected}, created
    taken = "could not persist context: context with this slug already exists for this account"
    refused(taken, lambda: client.create_context("Python context", "root"))
    read = client.get_context_by_id("python-context", ["description", "labels", "config { id writeOnly }"])
    hidden = [{"id": "FOO", "writeOnly": False}, {"id": "BAZ", "writeOnly": True}]
    assert read == {"description": "by a client", "labels": ["a"], "config": hidden}, read
    assert client.get_context_by_id("nowhere") is None
    assert client.delete_context("python-context") == {"contextDelete": {"id": "python-context"}}
    assert client.delete_context("python-context") == {"contextDelete": None}


def stacks(client):
    stacks = {stack["id"]: stack["space"] for stack in client.get_stacks()}
    assert len(stacks) == 19 and stacks["database"] == "platform", stacks
    fields = ["id", "labels", "autodeploy", "trackedCommit { hash }"]
    stack = client.get_stack_by_id("backoffice", fields)
    assert stack["labels"] == ["env:production", "dependsOn:platform-api"], stack
    assert stack["autodeploy"] is False and len(stack["trackedCommit"]["hash"]) == 40, stack
    assert client.get_stack_by_id("nowhere") is None
    run = client.trigger_run("database", ["id", "branch", "type", "triggeredBy"])
    assert len(run["id"]) == 26 and run["branch"] == "main", run
    assert run["type"] == "PROPOSED" and run["triggeredBy"] == f"api::{client.key_id}", run
    refused("stack `nowhere` not found", lambda: client.trigger_run("nowhere"))


def blueprints(client):
    assert [blueprint["id"] for blueprint in client.get_blueprints()] == ["bucket", "service"]
    blueprint = client.get_blueprint_by_id("service", ["state", "space { id }", "inputs { id type default options }"])
    assert blueprint["state"] == "PUBLISHED" and blueprint["space"] == {"id": "applications"}, blueprint
    assert blueprint["inputs"][2] == {"id": "replicas", "type": "NUMBER", "default": "2", "options": []}, blueprint
    assert client.get_blueprint_by_id("nowhere") is None
    made = client.create_stack_from_blueprint("service", [{"id": "service_name", "value": "from-python"}])
    assert made["stackID"] == "from-python" and len(made["runID"]) == 26, made
    refused("blueprint `bucket` is not published", lambda: client.create_stack_from_blueprint("bucket", []))
    assert client.get_stack_by_id("from-python") == {"id": "from-python", "space": "applications"}
    assert client.delete_stack("from-python") == {"stackDelete": {"id": "from-python"}}
    assert client.delete_stack("from-python") == {"stackDelete": None}


def main():
    client = log_in(sys.argv[1] if len(sys.argv) > 1 else None)
    spaces(client)
    contexts(client)
    stacks(client)
    blueprints(client)
    methods = {name for name, _ in inspect.getmembers(Spacelift, inspect.isfunction) if not name.startswith("__")}
    unused = methods - called
    assert not unused, f"not tried: {sorted(unused)}"
    print(f"{len(methods)} methods of the package work")


if __name__ == "__main__":
    main()
