package bridge_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Each way into a server.

func textFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestEachWayIntoNATS(t *testing.T) {
	files := newCertificates(t)
	encrypted := fmt.Sprintf("tls: {ca: %s, certificate: %s, key: %s}", files.authority, files.client, files.clientKey)
	key := must(nkeys.CreateUser())
	seed := textFile(t, string(must(key.Seed()))+"\n")
	operated, credentials := operator(t)
	for name, c := range map[string]struct {
		server, right string
		wrong, said   string
		client        []nats.Option
	}{
		"certificates": {
			server: fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }", files.server, files.serverKey,
				files.authority),
			right: encrypted, wrong: fmt.Sprintf("tls: {ca: %s}", files.authorityOfSomebodyElse), said: "certificate",
			client: []nats.Option{nats.RootCAs(files.authority), nats.ClientCert(files.client, files.clientKey)},
		},
		"token": {
			server: "authorization { token: right }", right: "token_file: " + textFile(t, "right\n"), wrong: "token: wrong",
			said: "Authorization Violation: check user, password, token", client: []nats.Option{nats.Token("right")},
		},
		"nkey": {
			server: fmt.Sprintf("authorization { users: [{ nkey: %s }] }", must(key.PublicKey())), right: "nkey: " + seed,
			wrong: "nkey: " + textFile(t, string(must(must(nkeys.CreateUser()).Seed()))), said: "Authorization Violation",
			client: []nats.Option{must(nats.NkeyOptionFromSeed(seed))},
		},
		"credentials": {
			server: operated, right: "credentials: " + credentials, wrong: "user: me, password: x",
			said: "Authorization Violation", client: []nats.Option{nats.UserCredentials(credentials)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := startNATS(t, 1, c.server)
			js := servers.connect(c.client...)
			servers.stream(js, ordersStream())
			queue := newQueue(t)
			fill(t, queue, 0, 10)
			configuration := fmt.Sprintf("routes: [{from: %s, to: {url: 'nats://%s', subject: orders.eu, %%s}, %s}]",
				queue.Name(), servers.hosts(), quick)
			bridge := newBridge(t, fmt.Sprintf(configuration, c.wrong))
			bridge.start()
			bridge.eventuallySaid(c.said)
			time.Sleep(300 * time.Millisecond)
			if told := bridge.errorsSaid(); told != 1 {
				t.Errorf("%d errors", told)
			}
			rewrite(t, bridge, fmt.Sprintf(configuration, c.right))
			carried(t, queue)
			servers.account(js, 10)
		})
	}
}

// operator is the configuration of a server that trusts one, and the credentials of a user that it vouches for.
func operator(t *testing.T) (configuration, credentials string) {
	t.Helper()
	top, system, account, user := must(nkeys.CreateOperator()), must(nkeys.CreateAccount()), must(nkeys.CreateAccount()),
		must(nkeys.CreateUser())
	claims := jwt.NewOperatorClaims(must(top.PublicKey()))
	claims.SystemAccount = must(system.PublicKey())
	own := jwt.NewAccountClaims(must(account.PublicKey()))
	own.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1,
		MaxAckPending: -1, MemoryMaxStreamBytes: -1, DiskMaxStreamBytes: -1}
	person := must(jwt.NewUserClaims(must(user.PublicKey())).Encode(account))
	configuration = fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\n"+
		"resolver_preload: { %[2]s: %s, %s: %s }",
		must(claims.Encode(top)), must(system.PublicKey()),
		must(jwt.NewAccountClaims(must(system.PublicKey())).Encode(top)), must(account.PublicKey()), must(own.Encode(top)))
	return configuration, textFile(t, string(must(jwt.FormatUserConfig(person, must(user.Seed())))))
}

func TestEachWayIntoKafka(t *testing.T) {
	t.Parallel()
	files, port := newCertificates(t), freePort(t)
	server := startKafkaWith(t, fmt.Sprintf(",SECURE://127.0.0.1:%d", port), ",SECURE:SASL_SSL", fmt.Sprintf(`
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_me="right";
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=%s
listener.name.secure.ssl.truststore.type=PEM
listener.name.secure.ssl.truststore.location=%s
listener.name.secure.ssl.client.auth=required
`, files.serverWithKey, files.authority), "--add-scram", "SCRAM-SHA-256=[name=me,password=right]", "--add-scram",
		"SCRAM-SHA-512=[name=me,password=right]")
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		server.topic(mechanism, 1)
		queue := newQueue(t)
		fill(t, queue, 0, 10)
		configuration := fmt.Sprintf("routes: [{from: %s, to: {url: 'kafka://127.0.0.1:%d', topic: %s, sasl: %[3]s, "+
			"user: me, password: %%s, tls: {ca: %s, certificate: %s, key: %s}}, %s}]", queue.Name(), port, mechanism, files.authority,
			files.client, files.clientKey, quick)
		bridge := newBridge(t, fmt.Sprintf(configuration, "wrong"))
		bridge.start()
		bridge.eventuallySaid("check user, password and sasl")
		time.Sleep(300 * time.Millisecond)
		if told := bridge.errorsSaid(); told != 1 || strings.Contains(bridge.text(), "wrong") {
			t.Errorf("%d errors, or the password is shown", told)
		}
		rewrite(t, bridge, fmt.Sprintf(configuration, "right"))
		carried(t, queue)
		l := newLedger()
		server.read(mechanism, func(record *kgo.Record) { l.add(record.Value) })
		if fault := l.fault(10); fault != "" {
			fail(t, fault)
		}
	}
}
