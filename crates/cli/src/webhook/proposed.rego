
# For comments on pull requests: the end of every proposed run that succeeded.
webhook[{"endpoint_id": "@ENDPOINT_ID@", "payload": payload}] {
  input.run_updated.run.type == "PROPOSED"
  input.run_updated.state == "FINISHED"
}
