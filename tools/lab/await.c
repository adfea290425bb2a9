// SPDX-License-Identifier: Apache-2.0
//
// await PATH KEY=VALUE: poll a file of sysfs until it has that line.
//
// Says 'armed' when it is listening, and then, each time that the file has
// notified, its line with that key. It ends with 1 if that takes a minute.

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define TIMEOUT_MS 60000

static const char *read_again(int file, char *text)
{
	ssize_t length = pread(file, text, PAGE, 0);

	text[length < 0 ? 0 : length] = '\0';
	return text;
}

// Give the rest of the text from the line that begins like another.
static const char *find_key(const char *text, const char *line)
{
	size_t length = strcspn(line, "=") + 1;

	while (*text && strncmp(text, line, length)) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

int main(int argc, char **argv)
{
	static char text[PAGE + 1];
	char line[256];

	if (argc != 3 || strlen(argv[2]) > sizeof(line) - 2)
		return 2;
	sprintf(line, "%s\n", argv[2]);

	int file = open(argv[1], O_RDONLY);

	if (file < 0)
		return 2;
	read_again(file, text);
	puts("armed");
	fflush(stdout);
	do {
		struct pollfd wanted = {.fd = file, .events = POLLPRI};

		if (poll(&wanted, 1, TIMEOUT_MS) <= 0)
			return 1;
		const char *found = find_key(read_again(file, text), line);

		printf("%.*s\n", (int)strcspn(found, "\n"), found);
		fflush(stdout);
	} while (!strstr(text, line));
	return 0;
}
