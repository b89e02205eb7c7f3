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

variable "bucket" {
  description = "The bucket that `sam package` used. The template is put there too."
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

data "aws_s3_bucket" "packages" {
  bucket = var.bucket
}

# CloudFormation accepts at most 51,200 bytes in a call, and the packaged template has about as many; from a bucket it reads more.
# A changed template has another name, so that the stack is updated.
resource "aws_s3_object" "template" {
  bucket = data.aws_s3_bucket.packages.id
  key    = "${var.name}/${filesha256(var.template)}.yaml"
  source = var.template
}

resource "aws_cloudformation_stack" "this" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.packages.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  parameters   = var.parameters
  tags         = var.tags
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
