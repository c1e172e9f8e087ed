// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Loads the kernel that runs after a panic: crash_kernel IMAGE INITRAMFS COMMAND-LINE. What kexec-tools do, of which
 * only this is needed.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		perror(path);
	return file;
}

int main(int count, char **arguments)
{
	int image, initramfs;

	if (count != 4) {
		fputs("usage: crash_kernel IMAGE INITRAMFS COMMAND-LINE\n", stderr);
		return 2;
	}
	image = open_file(arguments[1]);
	initramfs = open_file(arguments[2]);
	if (image < 0 || initramfs < 0)
		return 1;
	/* The length counts the NUL. */
	if (syscall(SYS_kexec_file_load, image, initramfs, strlen(arguments[3]) + 1, arguments[3],
		    KEXEC_FILE_ON_CRASH)) {
		perror("kexec_file_load");
		return 1;
	}
	puts("the crash kernel is loaded");
	return 0;
}
