/* Preloaded into a server: every flush to disk first sleeps as many milliseconds as the file SLOW_FSYNC_FILE says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_as_told(void) {
    const char *path = getenv("SLOW_FSYNC_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    int milliseconds = 0;
    if (file == NULL) return;
    if (fscanf(file, "%d", &milliseconds) == 1) usleep(1000 * milliseconds);
    fclose(file);
}

int fsync(int descriptor) {
    wait_as_told();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(descriptor);
}

int fdatasync(int descriptor) {
    wait_as_told();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(descriptor);
}

int msync(void *address, size_t length, int flags) {
    wait_as_told();
    return ((int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync"))(address, length, flags);
}
