#!/bin/bash
# The least that a host of another architecture must do, for machines on which the whole would take too long.
set -Eeu
# shellcheck source=test/integration/run_integration.sh
. /usr/local/bin/run-integration

all platform bootstrap healthy docker_installed
