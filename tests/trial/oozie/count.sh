#!/bin/sh
# Runs a Flink job on YARN out of a container and waits for its end, which becomes its own: count.sh FLINK_IN_HDFS CLASS
set -eu
# What Flink reaches into on Java 17; the words are options of their own on purpose.
opens=
for package in lang lang.reflect net io nio security text time util util.concurrent util.concurrent.atomic \
    util.concurrent.locks; do
    opens="$opens --add-opens=java.base/java.$package=ALL-UNNAMED"
done
mkdir conf
cat >conf/config.yaml <<END
execution.target: yarn-per-job
yarn.provided.lib.dirs: $1/lib
yarn.application.name: counts
env.java.opts.all: $opens
jobmanager.memory.process.size: 1024m
taskmanager.memory.process.size: 1728m
END
# The container has Hadoop on its class path, and Flink's files in the folder flink.
FLINK_CONF_DIR=$PWD/conf
export FLINK_CONF_DIR
# shellcheck disable=SC2086
exec "$JAVA_HOME/bin/java" -Xmx256m $opens -cp "$PWD/flink/*:$CLASSPATH" \
    org.apache.flink.client.cli.CliFrontend run -c "$2" job.jar
