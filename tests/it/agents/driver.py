"""An agent, as a test drives it: a line of JSON for each order, a line of JSON for each answer.

Arguments: `legacy` (the revision with `initialize`) or `auto` (the current one), the name of the agent, and the server's
command line.
"""

import json
import sys

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import Implementation


def say(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def plain(model):
    return model.model_dump(by_alias=True, exclude_none=True, mode="json")


async def carry_out(client, order, scope):
    noted = []

    async def note(progress, total, message):
        noted.append([progress, message])

    with scope:
        try:
            if order["do"] == "tools":
                found = await client.list_tools()
                say({"id": order["id"], "tools": [plain(tool) for tool in found.tools]})
            else:
                asked = {"progress_callback": note} if order.get("progress") else {}
                found = await client.call_tool(order["tool"], order["arguments"], **asked)
                say({"id": order["id"], "result": plain(found), "notes": noted})
        except Exception as error:  # whatever it is, the test says whether it is meant
            say({"id": order["id"], "error": repr(error)})
    if scope.cancelled_caught:
        say({"id": order["id"], "error": "cancelled"})


async def main():
    mode, name, command, *arguments = sys.argv[1:]
    import os

    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ), cwd=os.getcwd())
    who = Implementation(name=name, version="1")
    scopes = {}
    async with Client(server, mode=mode, client_info=who) as client, anyio.create_task_group() as group:
        session = client.session
        say({"id": 0, "version": str(session.protocol_version), "instructions": client.instructions})
        lines = anyio.wrap_file(sys.stdin)
        async for line in lines:
            order = json.loads(line)
            if order["do"] == "cancel":
                scopes[order["of"]].cancel()
                continue
            scopes[order["id"]] = anyio.CancelScope()
            group.start_soon(carry_out, client, order, scopes[order["id"]])
        group.cancel_scope.cancel()


anyio.run(main)
