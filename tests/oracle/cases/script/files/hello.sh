#!/bin/sh
echo "hello $# $1 $2 from $(pwd)"
