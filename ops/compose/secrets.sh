#!/usr/bin/env bash
# Makes ops/compose/secrets: an authority, the servers' certificates, a password for each user, the broker's
# configuration. What is there already stays. Needs openssl. The folder is closed; its files are readable, since Docker
# hands them to the containers' users as they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p secrets
chmod 700 secrets
cd secrets
umask 022

readonly USERS=(admin transcription diarization analysis publisher operator)

password() {
  [ -s "$1" ] || openssl rand -hex 24 >"$1"
}

certificate() { # of one server, with its key in front as MongoDB and Kafka want it
  [ -s "$1_server.pem" ] && return
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -keyout "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key -CAcreateserial -days 825 \
    -extfile <(printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1' "$1") -out "$1.crt" 2>/dev/null
  cat "$1.key" "$1.crt" >"$1_server.pem"
  rm "$1.key" "$1.csr" "$1.crt"
}

if [ ! -s authority.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -keyout authority.key -out authority.pem -days 3650 \
    -subj "/CN=Callytics authority" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
  chmod 600 authority.key
fi
certificate kafka
certificate mongo
password mongo_root_password
password mongo_password
for user in "${USERS[@]}"; do password "kafka_$user"; done

jaas='org.apache.kafka.common.security.plain.PlainLoginModule required'
{
  cat <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=CLIENT://:9092,CONTROLLER://127.0.0.1:9093
advertised.listeners=CLIENT://kafka:9092
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:9093
log.dirs=/var/lib/kafka/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
auto.create.topics.enable=false
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=/run/secrets/kafka_server.pem
ssl.truststore.type=PEM
ssl.truststore.location=/run/secrets/authority.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
PROPERTIES
  printf 'listener.name.client.plain.sasl.jaas.config=%s username="admin" password="%s"' "$jaas" "$(cat kafka_admin)"
  for user in "${USERS[@]}"; do printf ' user_%s="%s"' "$user" "$(cat "kafka_$user")"; done
  printf ';\n'
} >server.properties

cat >kafka_admin.properties <<PROPERTIES
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config=$jaas username="admin" password="$(cat kafka_admin)";
ssl.truststore.type=PEM
ssl.truststore.location=/run/secrets/authority.pem
PROPERTIES
