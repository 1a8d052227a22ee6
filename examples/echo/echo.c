/*
 * An echo server on epoll, and clients that load it. The server's event loop, `serve`, is marked
 * PRIVBOX: in the box it makes its system calls (epoll_wait, accept4, read, write, close) through the gate, and
 * calls nothing outside.
 *
 * Each client sends messages of growing size, waits for each to come back, and adds up what it got. The
 * output is the same in every mode; the time goes to standard error.
 *
 * Usage: echo [CLIENTS [MESSAGES]]    (default 8 clients, 200 messages each)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <privbox.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LARGEST 4096
#define EVENTS 16

struct totals {
	unsigned long connections, bytes;
};

/* --- the server, in the box --- */

/* Writes all of it; the sockets block, so a slow client slows the server, which is fine here. */
static int write_all(int fd, const char *data, ssize_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, data, (size_t)n);
		if (written < 0)
			return -1;
		data += written;
		n -= written;
	}
	return 0;
}

/* Serves until `clients` connections have come and gone. Returns 0, or -1 with errno. */
PRIVBOX int serve(int listener, int poll, int clients, struct totals *totals)
{
	struct epoll_event events[EVENTS];
	char data[LARGEST];
	int gone = 0;

	while (gone < clients) {
		int ready = epoll_wait(poll, events, EVENTS, -1);
		if (ready < 0 && errno != EINTR)
			return -1;
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				struct epoll_event event = { .events = EPOLLIN };
				event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
				if (event.data.fd < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event))
					return -1;
				totals->connections++;
				continue;
			}
			ssize_t n = read(fd, data, sizeof data);
			if (n < 0 || write_all(fd, data, n))
				return -1;
			if (n == 0) {
				close(fd);
				gone++;
				continue;
			}
			totals->bytes += (unsigned long)n;
		}
	}
	return 0;
}

/* --- everything else, outside --- */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void read_all(int fd, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, to, n);
		if (got <= 0)
			fail("echo: a client's read");
		to += got;
		n -= (size_t)got;
	}
}

/* Message m of client c: its size and bytes follow from the numbers. */
static size_t make_message(char *to, int client, int message)
{
	size_t size = 1 + (size_t)(client * 131 + message * 37) % LARGEST;

	for (size_t i = 0; i < size; i++)
		to[i] = (char)(client + message * 7 + (int)i);
	return size;
}

/* A client process: exit status 0 if everything came back as it was sent. */
static void run_client(const struct sockaddr_in *server, int client, int messages)
{
	static char sent[LARGEST], back[LARGEST];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)server, sizeof *server))
		fail("echo: connect");
	for (int m = 0; m < messages; m++) {
		size_t size = make_message(sent, client, m);
		if (write(fd, sent, size) != (ssize_t)size)
			fail("echo: a client's write");
		read_all(fd, back, size);
		if (memcmp(sent, back, size)) {
			fprintf(stderr, "echo: client %d: message %d came back changed\n", client, m);
			exit(1);
		}
	}
	close(fd);
	_exit(0);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int number(const char *text, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1 || n > most) {
		fprintf(stderr, "echo: `%s` is not a number from 1 to %d\nusage: echo [CLIENTS [MESSAGES]]\n", text,
			most);
		exit(2);
	}
	return (int)n;
}

int main(int argc, char **argv)
{
	int clients = argc > 1 ? number(argv[1], 1000) : 8, messages = argc > 2 ? number(argv[2], 1000000) : 200;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	struct epoll_event event = { .events = EPOLLIN };
	struct totals totals = { 0, 0 };
	int failed = 0;

	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), poll = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = listener;
	if (listener < 0 || poll < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) ||
	    listen(listener, clients) || getsockname(listener, (struct sockaddr *)&address, &length) ||
	    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event))
		fail("echo: cannot listen");
	for (int c = 0; c < clients; c++) {
		pid_t child = fork();
		if (child < 0)
			fail("echo: fork");
		if (child == 0)
			run_client(&address, c, messages);
	}
	double start = now();
	if (serve(listener, poll, clients, &totals))
		fail("echo: the server");
	double seconds = now() - start;
	for (int c = 0; c < clients; c++) {
		int status;
		failed += wait(&status) < 0 || status;
	}
	printf("%lu connections, %lu bytes echoed, %d clients content\n", totals.connections, totals.bytes,
	       clients - failed);
	fprintf(stderr, "echo: %.3f s, %.0f messages/s\n", seconds, (double)(clients * messages) / seconds);
	return failed != 0;
}
