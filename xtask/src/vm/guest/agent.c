// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The first and only program of the initramfs: it mounts the host's tree, then does what the host
 * asks for over a virtio port, and says what came of it. Static, so that it needs nothing.
 *
 * A message in either direction: one byte of type, the payload's length (32 bits, little endian), the payload.
 *
 *   host    R  run: cwd, number of variables, variables, number of words, words (each ends with a NUL)
 *           S  signal to the running command: the number as text
 *           L  load a module: path, parameters
 *           U  unload a module: name
 *           Q  power off
 *   guest   B  booted, the tree is mounted: seconds since the kernel started
 *           O  standard output        E  standard error
 *           K  one record of /dev/kmsg
 *           X  R is done: 'e' or 's', and the exit code or the signal
 *           D  L or U is done: errno as text, 0 if it worked
 *           F  the agent cannot go on: why
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int port = -1;
static int kmsg = -1;

static void write_all(const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(port, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* Nobody listens any more. */
			reboot(RB_AUTOBOOT);
			_exit(1);
		}
		at += n;
		size -= n;
	}
}

static void send_message(char type, const void *data, size_t size)
{
	uint32_t length = size;
	char head[5] = { type, length, length >> 8, length >> 16, length >> 24 };

	write_all(head, sizeof(head));
	write_all(data, size);
}

static void send_text(char type, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	send_message(type, text, strlen(text));
}

/* Says why and powers off; before the port is there, on the console only. */
static void fail(const char *format, ...)
{
	char text[512];
	int error = errno;
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	printf("agent: %s: %s\n", text, strerror(error));
	fflush(stdout);
	if (port >= 0)
		send_text('F', "%s: %s", text, strerror(error));
	sleep(1);
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static int load(const char *path, const char *parameters)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int error = 0;

	if (file < 0)
		return errno;
	if (syscall(SYS_finit_module, file, parameters, 0))
		error = errno;
	close(file);
	return error;
}

/* A module that is in use is asked again: what holds it may be on its way out. */
static int unload(const char *name)
{
	for (int i = 0; i < 100; i++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			break;
		usleep(50000);
	}
	return errno;
}

static void load_list(const char *list)
{
	char line[256];
	FILE *file = fopen(list, "r");

	if (!file)
		fail("%s", list);
	while (fgets(line, sizeof(line), file)) {
		int error;

		line[strcspn(line, "\n")] = 0;
		error = load(line, "");
		if (error && error != EEXIST) {
			errno = error;
			fail("loading %s", line);
		}
	}
	fclose(file);
}

/* The kernel came up with one CPU: scheduler_key.c says why. */
static void bring_up_cpus(void)
{
	for (int cpu = 1; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		char path[64];
		int file;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
		file = open(path, O_WRONLY | O_CLOEXEC);
		if (file < 0 || write(file, "1", 1) != 1)
			fail("%s", path);
		close(file);
	}
}

/* The first of our ports, whatever number its device has. */
static int find_port(void)
{
	DIR *folder = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int found = -1;

	while (folder && found < 0 && (entry = readdir(folder))) {
		char path[300];

		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		if (entry->d_name[0] != '.')
			found = open(path, O_RDWR | O_CLOEXEC);
	}
	if (folder)
		closedir(folder);
	return found;
}

static void open_port(void)
{
	/* It appears when the driver has talked to the device. */
	for (int i = 0; i < 1000 && port < 0; i++) {
		port = find_port();
		if (port < 0)
			usleep(5000);
	}
	if (port < 0)
		fail("there is no virtio port");
}

static void must_mount(const char *source, const char *target, const char *type,
		       unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data))
		fail("mounting %s on %s", type ? type : source, target);
}

/* A folder of the host's that can be written to: the host's files stay visible, what is written stays here. */
static void writable(const char *name, mode_t mode)
{
	char target[64], upper[64], work[64], options[256];

	snprintf(target, sizeof(target), "/host/%s", name);
	snprintf(upper, sizeof(upper), "/upper/%s", name);
	snprintf(work, sizeof(work), "/upper/%s.work", name);
	if (mkdir(upper, mode) || chmod(upper, mode) || mkdir(work, 0755))
		fail("%s", upper);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", target, upper, work);
	must_mount(name, target, "overlay", 0, options);
}

static void make_root(void)
{
	must_mount("host", "/host", "9p", MS_RDONLY,
		   "trans=virtio,version=9p2000.L,msize=507904,cache=loose");
	must_mount("upper", "/upper", "tmpfs", 0, "mode=0755");
	writable("tmp", 01777);
	/* Trusted digests are in /etc/privbox. */
	writable("etc", 0755);
	writable("var", 0755);
	must_mount("run", "/host/run", "tmpfs", 0, "mode=0755");
	must_mount("proc", "/host/proc", "proc", 0, NULL);
	must_mount("sys", "/host/sys", "sysfs", 0, NULL);
	mount("debug", "/host/sys/kernel/debug", "debugfs", 0, NULL);
	mount("trace", "/host/sys/kernel/tracing", "tracefs", 0, NULL);
	mount("security", "/host/sys/kernel/security", "securityfs", 0, NULL);
	mount("cgroup", "/host/sys/fs/cgroup", "cgroup2", 0, NULL);
	must_mount("/dev", "/host/dev", NULL, MS_MOVE, NULL);
	mkdir("/host/dev/pts", 0755);
	must_mount("pts", "/host/dev/pts", "devpts", 0, "ptmxmode=0666,mode=0620,gid=5");
	mkdir("/host/dev/shm", 01777);
	must_mount("shm", "/host/dev/shm", "tmpfs", 0, "mode=1777");
	symlink("/proc/self/fd", "/host/dev/fd");
	symlink("/proc/self/fd/0", "/host/dev/stdin");
	symlink("/proc/self/fd/1", "/host/dev/stdout");
	symlink("/proc/self/fd/2", "/host/dev/stderr");
	if (chdir("/host"))
		fail("/host");
	must_mount(".", "/", NULL, MS_MOVE, NULL);
	if (chroot(".") || chdir("/"))
		fail("entering the host's tree");
}

/* Echo servers talk to themselves. */
static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return;
	ioctl(s, SIOCSIFFLAGS, &request);
	close(s);
}

static void forward_kernel_log(void)
{
	char record[8192];

	for (;;) {
		ssize_t n = read(kmsg, record, sizeof(record));

		if (n < 0 && (errno == EINTR || errno == EPIPE))
			continue; /* EPIPE: some records were overwritten before they were read */
		if (n <= 0)
			return;
		send_message('K', record, n);
	}
}

struct message {
	char type;
	uint32_t length;
	char *data;
};

static void read_all(void *data, size_t size)
{
	char *at = data;

	while (size) {
		ssize_t n = read(port, at, size);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			fail("the host hung up");
		at += n;
		size -= n;
	}
}

static struct message receive(void)
{
	struct message message;
	unsigned char head[5];

	read_all(head, sizeof(head));
	message.type = head[0];
	message.length = head[1] | head[2] << 8 | head[3] << 16 | (uint32_t)head[4] << 24;
	message.data = malloc(message.length + 1);
	if (!message.data)
		fail("a message of %u bytes", message.length);
	read_all(message.data, message.length);
	message.data[message.length] = 0;
	return message;
}

static char *next(char **at, char *end)
{
	char *word = *at;

	if (word >= end)
		fail("a message is too short");
	*at += strlen(word) + 1;
	return word;
}

static char **list(char **at, char *end)
{
	unsigned long count = strtoul(next(at, end), NULL, 10);
	char **words = calloc(count + 1, sizeof(*words));

	for (unsigned long i = 0; i < count; i++)
		words[i] = next(at, end);
	return words;
}

/* Forwards what a pipe holds; false at its end. */
static int forward(int pipe, char type)
{
	static char data[65536];
	ssize_t n = read(pipe, data, sizeof(data));

	if (n > 0)
		send_message(type, data, n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void drain(int pipe, char type)
{
	struct pollfd wait = { .fd = pipe, .events = POLLIN };

	if (pipe < 0)
		return;
	while (poll(&wait, 1, 0) == 1 && (wait.revents & POLLIN) && forward(pipe, type))
		;
	close(pipe);
}

static pid_t start(char *data, char *end, int *out, int *err)
{
	char *folder = next(&data, end);
	char **variables = list(&data, end);
	char **words = list(&data, end);
	struct rlimit no_core = { 0, 0 };
	int o[2], e[2];
	pid_t child;

	if (pipe2(o, O_CLOEXEC) || pipe2(e, O_CLOEXEC))
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(o[1], 1);
		dup2(e[1], 2);
		if (chdir(folder)) {
			dprintf(2, "cannot enter %s in the guest: %s\n", folder, strerror(errno));
			_exit(126);
		}
		environ = variables; /* its PATH says where the program is */
		execvp(words[0], words);
		dprintf(2, "cannot run %s in the guest: %s\n", words[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(o[1]);
	close(e[1]);
	*out = o[0];
	*err = e[0];
	free(variables);
	free(words);
	return child;
}

/* Reaps every child that has ended; the status of `wanted` if it was among them, else -1. */
static int reap(pid_t wanted)
{
	int status, found = -1;
	pid_t child;

	while ((child = waitpid(-1, &status, WNOHANG)) > 0)
		if (child == wanted)
			found = status;
	return found;
}

/* What a command leaves behind must not run into the next one. */
static void kill_all(void)
{
	kill(-1, SIGKILL);
	for (int i = 0; i < 500; i++) {
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		usleep(10000);
	}
}

static void run(struct message *request, int signals)
{
	int out, err, status = -1;
	pid_t child = start(request->data, request->data + request->length, &out, &err);

	while (status < 0) {
		struct pollfd wait[5] = {
			{ .fd = port, .events = POLLIN },     { .fd = out, .events = POLLIN },
			{ .fd = err, .events = POLLIN },      { .fd = kmsg, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		if (poll(wait, 5, -1) < 0 && errno != EINTR)
			fail("poll");
		if (wait[1].revents && !forward(out, 'O')) {
			close(out);
			out = -1;
		}
		if (wait[2].revents && !forward(err, 'E')) {
			close(err);
			err = -1;
		}
		if (wait[3].revents)
			forward_kernel_log();
		if (wait[0].revents & POLLIN) {
			struct message message = receive();

			if (message.type == 'S')
				kill(-child, atoi(message.data));
			free(message.data);
		} else if (wait[0].revents & POLLHUP) {
			fail("the host hung up");
		}
		if (wait[4].revents) {
			struct signalfd_siginfo info;

			while (read(signals, &info, sizeof(info)) > 0)
				;
			status = reap(child);
		}
	}
	kill_all();
	drain(out, 'O');
	drain(err, 'E');
	forward_kernel_log();
	if (WIFSIGNALED(status))
		send_text('X', "s %d", WTERMSIG(status));
	else
		send_text('X', "e %d", WEXITSTATUS(status));
}

static void serve(int signals)
{
	for (;;) {
		struct message message = receive();
		char *at = message.data, *end = message.data + message.length;

		switch (message.type) {
		case 'R':
			run(&message, signals);
			break;
		case 'L': {
			char *path = next(&at, end), *parameters = next(&at, end);
			int error = load(path, parameters);

			forward_kernel_log();
			send_text('D', "%d", error);
			break;
		}
		case 'U': {
			int error = unload(next(&at, end));

			forward_kernel_log();
			send_text('D', "%d", error);
			break;
		}
		case 'Q':
			reboot(RB_AUTOBOOT);
			break;
		case 'S':
			break; /* it ended before the signal came */
		default:
			errno = EINVAL;
			fail("message %d", message.type);
		}
		free(message.data);
	}
}

int main(void)
{
	struct timespec now;
	sigset_t child;
	int signals;

	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sys", "/sys", "sysfs", 0, NULL);
	/* The kernel has mounted devtmpfs only if it is configured to. */
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		fail("mounting devtmpfs");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		fail("/dev/kmsg");
	load_list("/modules/list");
	bring_up_cpus();
	open_port();
	make_root();
	loopback_up();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fail("signalfd");
	forward_kernel_log();
	clock_gettime(CLOCK_MONOTONIC, &now);
	send_text('B', "%ld.%03ld", (long)now.tv_sec, now.tv_nsec / 1000000);
	serve(signals);
	return 0;
}
