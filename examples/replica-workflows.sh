#!/bin/sh
# A typical replica workflow: files are uploaded into a dataset, a rule brings copies of them elsewhere, and they are read back.
# PANDO_CONFIG=replica-workflows.yaml WORKFLOW_BUCKET=… WORKFLOW_ENDPOINT=… sh replica-workflows.sh
set -eu

# 1. Replicas are uploaded with the command line client: one store for the dataset, paths by its algorithm, COPYING, then AVAILABLE.
pando upload test.file.1 test.file.2 --scope user.jdoe --dataset test.dataset --store country=fr
pando dataset show user.jdoe:test.dataset

# 2. Replicas are created by a rule: requests for each file, carried out by a worker.
pando rule add user.jdoe:test.dataset --copies 3 --stores 'country=de|tape|cloud' --scope user.jdoe
pando worker --until-idle
pando rule ls

# Any of the copies will do, and the nearest good one is taken.
pando download user.jdoe:test.dataset --to downloaded
