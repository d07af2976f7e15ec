package watch

import (
	"net"
	"os"
	"strings"
)

// Notify tells systemd, if it wants to know: READY=1, RELOADING=1, STOPPING=1 (sd_notify(3)).
func Notify(lines ...string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(strings.Join(lines, "\n")))
	return err
}
