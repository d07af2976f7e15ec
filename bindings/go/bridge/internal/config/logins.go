package config

import (
	"os"
	"slices"

	"github.com/nats-io/nkeys"
)

// What is wrong with how to get into a server. Files are read, so that what is wrong with them is said by line as well.

func (j *judge) login(e *Endpoint, path string) {
	j.readable(e.PasswordFile, path+".password_file")
	j.readable(e.TokenFile, path+".token_file")
	for _, file := range []struct{ field, name string }{{"credentials", e.Credentials}, {"nkey", e.NKey}} {
		if text, ok := j.readable(file.name, path+"."+file.field); ok {
			key, err := nkeys.ParseDecoratedUserNKey(text)
			if j.unless(err == nil, path+"."+file.field, "%s has no seed of a user: %v", file.name, err) {
				key.Wipe()
			}
		}
	}
	if text, ok := j.readable(e.Credentials, path+".credentials"); ok {
		_, err := nkeys.ParseDecoratedJWT(text)
		j.unless(err == nil, path+".credentials", "%s has no JWT: %v", e.Credentials, err)
	}
	if e.TLS != nil {
		_, well := j.readable(e.TLS.CA, path+".tls.ca")
		_, also := j.readable(e.TLS.Certificate, path+".tls.certificate")
		_, too := j.readable(e.TLS.Key, path+".tls.key")
		together := j.unless((e.TLS.Certificate == "") == (e.TLS.Key == ""), path+".tls",
			"certificate and key are given together")
		if (well || e.TLS.CA == "") && (also && too || e.TLS.Certificate == "") && together {
			_, err := e.TLS.Config()
			j.unless(err == nil, path+".tls", "%v", err)
		}
	}
	password := e.Password != "" || e.PasswordFile != ""
	j.unless(e.User != "" || !password, path, "a password without user:")
	j.unless(e.User == "" || password, path, "user without password or password_file")
	ways := 0
	for _, given := range []bool{e.User != "", e.Token != "" || e.TokenFile != "", e.Credentials != "", e.NKey != ""} {
		if given {
			ways++
		}
	}
	j.unless(ways <= 1, path, "user, token, credentials and nkey are different ways to log in: choose one")
	j.unless(e.Password == "" || e.PasswordFile == "", path+".password_file", "password and password_file: choose one")
	j.unless(e.Token == "" || e.TokenFile == "", path+".token_file", "token and token_file: choose one")
	if _, err := secret(e.User, ""); err != nil {
		j.say(path+".user", "user: %v", err)
	}
	if _, err := secret(e.Password, ""); err != nil {
		j.say(path+".password", "password: %v", err)
	}
	if _, err := secret(e.Token, ""); err != nil {
		j.say(path+".token", "token: %v", err)
	}
	if e.Kind() == Kafka {
		j.unless(e.Credentials == "" && e.NKey == "" && e.Token == "" && e.TokenFile == "", path,
			"credentials, nkey and token are NATS's; Kafka has user, password and sasl")
		j.unless(e.User != "" || e.SASL == "", path+".sasl", "sasl without user and password")
		j.unless(e.User == "" || e.SASL != "", path, "user without sasl: write plain, scram-sha-256 or scram-sha-512")
		j.unless(slices.Contains([]string{"", "plain", "scram-sha-256", "scram-sha-512"}, e.SASL), path+".sasl",
			"sasl %q is unknown: plain, scram-sha-256 or scram-sha-512", e.SASL)
	} else {
		j.unless(e.SASL == "", path+".sasl", "sasl is Kafka's")
	}
}

// readable is what the file has, if one is named.
func (j *judge) readable(file, path string) (text []byte, ok bool) {
	if file == "" {
		return nil, false
	}
	text, err := os.ReadFile(file)
	return text, j.unless(err == nil, path, "%v", err)
}
