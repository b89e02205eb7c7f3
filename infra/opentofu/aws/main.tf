# Spillway on AWS: the packaged template as a CloudFormation stack. infra/README.md, "With OpenTofu", says how it is used.

terraform {
  required_version = ">= 1.8"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

variable "name" {
  description = "The name of the stack, and the beginning of the names of its alarms."
  type        = string
  default     = "spillway"
}

variable "template" {
  description = "The file that `sam package` wrote."
  type        = string
}

variable "parameters" {
  description = "The parameters of the template, such as TemporalAddress. Lists are texts with commas."
  type        = map(string)
}

variable "tags" {
  description = "Tags of the stack and of everything in it."
  type        = map(string)
  default     = {}
}

resource "aws_cloudformation_stack" "this" {
  name          = var.name
  template_body = file(var.template)
  parameters    = var.parameters
  tags          = var.tags
  # The roles of the functions, and the transformations of SAM.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

  timeouts {
    create = "30m"
    update = "30m"
    delete = "30m"
  }
}

output "outputs" {
  description = "The outputs of the stack: WebhookUrl, SpaceliftSecretArn and so on."
  value       = aws_cloudformation_stack.this.outputs
}
