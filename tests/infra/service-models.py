"""Validates a template's values with AWS's service models: `service-models.py TEMPLATE`, with botocore on the path.

Prints a JSON list of [resource, path, what is wrong]. Only enums, patterns and bounds are looked at; what a model does not
know is left to cfn-lint.
"""
import json
import re
import sys

import botocore.session

OPERATIONS = {
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarm"),
    "AWS::Lambda::EventSourceMapping": ("lambda", "CreateEventSourceMapping"),
    "AWS::Lambda::Function": ("lambda", "CreateFunction"),
    "AWS::Scheduler::Schedule": ("scheduler", "CreateSchedule"),
    "AWS::AutoScaling::AutoScalingGroup": ("autoscaling", "CreateAutoScalingGroup"),
    "AWS::EC2::LaunchTemplate": ("ec2", "CreateLaunchTemplate"),
    "AWS::ECS::Service": ("ecs", "CreateService"),
    "AWS::ECS::TaskDefinition": ("ecs", "RegisterTaskDefinition"),
    "AWS::ECS::CapacityProvider": ("ecs", "CreateCapacityProvider"),
    "AWS::DynamoDB::Table": ("dynamodb", "CreateTable"),
    "AWS::WAFv2::WebACL": ("wafv2", "CreateWebACL"),
}


def looks_like(pattern, value):
    try:
        return re.fullmatch(pattern, value, re.S)
    except re.error:
        # Java syntax, which is not checked.
        return True


def walk(shape, value, path):
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {name.lower(): member for name, member in shape.members.items()}
        for name, inner in value.items():
            if name.lower() in members:
                yield from walk(members[name.lower()], inner, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(shape.member, inner, f"{path}[{index}]")
    elif isinstance(value, str):
        facts = shape.metadata
        if facts.get("enum") and value not in facts["enum"]:
            yield path, f"{value} is none of {', '.join(facts['enum'])}"
        if "pattern" in facts and not looks_like(facts["pattern"], value):
            yield path, f"{value} does not look like {facts['pattern']}"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield path, f"{value} is not between {low} and {high}"


def main():
    session = botocore.session.get_session()
    found = []
    with open(sys.argv[1], encoding="utf8") as file:
        resources = json.load(file)["Resources"]
    for name, resource in resources.items():
        if resource["Type"] not in OPERATIONS:
            continue
        service, operation = OPERATIONS[resource["Type"]]
        shape = session.get_service_model(service).operation_model(operation).input_shape
        found += [[name, *problem] for problem in walk(shape, resource["Properties"], "")]
    print(json.dumps(found))


main()
