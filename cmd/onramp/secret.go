package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// mostSecret is how many bytes a secret may have: the longest shared key of a connection has 128 characters.
const mostSecret = 4096

// namedSecrets reads secrets from files, each given as NAME=FILE, by name in lower case: on a command line everybody would see them.
func namedSecrets(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range pairs {
		name, file, ok := strings.Cut(s, "=")
		if !ok || file == "" || !strings.Contains(strings.TrimSpace(name), " of ") {
			return nil, usageError(fmt.Errorf("--secret %q: write it as \"sharedKey of CIRCUIT=FILE\"", name)) // what follows may be a secret
		}
		key := strings.ToLower(strings.Trim(strings.TrimSpace(name), "<>"))
		if _, twice := out[key]; twice {
			return nil, usageError(fmt.Errorf("--secret: %s is given twice", name))
		}
		v, err := readSecret(file)
		if err != nil {
			return nil, usageError(fmt.Errorf("--secret: %s: %w", name, err))
		}
		out[key] = v
	}
	return out, nil
}

// readSecret is the one line of a file.
func readSecret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, mostSecret+1))
	if err != nil {
		return "", err
	}
	v := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > mostSecret:
		return "", fmt.Errorf("%s has more than %d bytes: give a file with the secret alone", file, mostSecret)
	case v == "" || strings.ContainsAny(v, "\r\n"):
		return "", fmt.Errorf("%s does not have exactly one line: give a file with the secret alone", file)
	}
	return v, nil
}
