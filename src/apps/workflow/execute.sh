#!/bin/sh
# Runs a Flink job on YARN out of a container of Oozie, and waits for its end, which becomes its own.
# The container has Hadoop on its class path, Flink's jars in the folder flink, and Flink's settings in config.yaml.
set -eu
mkdir -p conf
cp config.yaml "conf/$FLINK_CONF_FILE"
cp log4j.properties conf/
FLINK_CONF_DIR=$PWD/conf
export FLINK_CONF_DIR
# The options are words of their own on purpose.
# shellcheck disable=SC2086
exec "$JAVA_HOME/bin/java" -Xmx256m $JAVA_OPTIONS -cp "$PWD/flink/*:$CLASSPATH" \
    org.apache.flink.client.cli.CliFrontend run "$@"
