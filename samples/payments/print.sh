#!/bin/sh
# Prints the receipts of one day: print.sh 2026-11-25
set -eu
for receipt in "/var/receipts/$1"/*; do
  lp "$receipt"
done
