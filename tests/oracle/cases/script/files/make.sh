#!/bin/sh
echo made >/opt/made
