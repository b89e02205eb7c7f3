# What Spillway needs in Spacelift: the webhook, the policy that calls it, and the permissions of its API key. The same as
# `spillway webhook install` makes: use one of the two. infra/README.md, "With OpenTofu", says how it is used.

terraform {
  # The secret is written and never read back, which needs write-only arguments.
  required_version = ">= 1.11"
  required_providers {
    spacelift = {
      source  = "spacelift-io/spacelift"
      version = "~> 1.0"
    }
  }
}

variable "endpoint" {
  description = "The URL of Spillway's webhook, with /webhook."
  type        = string

  validation {
    condition     = can(regex("^https://[^/]+/.+", var.endpoint))
    error_message = "The endpoint is a https URL with its path, such as https://hooks.example.com/webhook."
  }
}

variable "secret" {
  description = "The secret that Spacelift signs with. It is not stored in the state."
  type        = string
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = length(var.secret) >= 16
    error_message = "The webhook accepts no secret of less than 16 characters."
  }
}

variable "secret_version" {
  description = "Change it to write the secret again."
  type        = string
  default     = "1"
}

variable "space" {
  description = "The space whose runs are reported, with the spaces that inherit from it."
  type        = string
  default     = "root"
}

variable "name" {
  description = "The name of the webhook, the policy and the role."
  type        = string
  default     = "spillway"
}

variable "api_key" {
  description = "The id of Spillway's API key, which gets the role. Without it, no role is made."
  type        = string
  default     = null
}

variable "actions" {
  description = "What the role allows: to read, to trigger runs, and to end them (run_timeout, --stop-runs). The data source spacelift_role_actions lists all actions."
  type        = set(string)
  default     = ["SPACE_READ", "RUN_TRIGGER", "RUN_CANCEL", "RUN_DISCARD", "RUN_STOP"]
}

resource "spacelift_named_webhook" "this" {
  name              = var.name
  space_id          = var.space
  endpoint          = var.endpoint
  enabled           = true
  retry_on_failure  = true
  secret_wo         = var.secret
  secret_wo_version = var.secret_version
}

resource "spacelift_policy" "this" {
  name     = var.name
  space_id = var.space
  type     = "NOTIFICATION"
  body = replace(
    file("${path.module}/../../../crates/cli/src/webhook/policy.rego"),
    "@ENDPOINT_ID@",
    spacelift_named_webhook.this.id,
  )
}

resource "spacelift_role" "this" {
  count       = var.api_key == null ? 0 : 1
  name        = var.name
  description = "What Spillway does with its API key."
  actions     = var.actions
}

resource "spacelift_role_attachment" "this" {
  count      = var.api_key == null ? 0 : 1
  api_key_id = var.api_key
  role_id    = spacelift_role.this[0].id
  space_id   = var.space
}

output "webhook" {
  description = "The id of the named webhook."
  value       = spacelift_named_webhook.this.id
}
