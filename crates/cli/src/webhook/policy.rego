package spacelift

# Made by `spillway webhook install`, which writes it anew.
#
# It sends Spillway every change of every tracked run in the space of this policy and in those that inherit from it.
# Of what Spacelift knows about a run it passes on what Spillway reads, and nothing else: no variables, no sessions.

webhook[{"endpoint_id": "@ENDPOINT_ID@", "payload": payload}] {
  input.run_updated.run.type == "TRACKED"
}

# Paths that do not exist are left out.
payload := json.filter(input, [
  "account/name",
  "run_updated/state",
  "run_updated/run/id",
  "run_updated/run/type",
  "run_updated/run/branch",
  "run_updated/run/commit/hash",
  "run_updated/run/drift_detection",
  "run_updated/run/triggered_by",
  "run_updated/run/updated_at",
  "run_updated/run/user_provided_metadata",
  "run_updated/stack/id",
  "run_updated/stack/name",
  "run_updated/stack/space/id"
])
