/* Feature maps in memory, and tensors in .safetensors files: 8 bytes with the length of a JSON header, the header, and
 * the numbers. All of it is little-endian, as the machine has to be.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int height, width, channels;
    double *at; /* values in the order height, width, channel; counted in int, which a picture of 2000x1000 px fits */
} Map;

_Noreturn static void fail(const char *what, const char *name) {
    fprintf(stderr, "port: %s %s\n", what, name);
    exit(2);
}

static Map zeros(int height, int width, int channels) {
    Map map = {height, width, channels, calloc((size_t)height * width * channels, sizeof(double))};
    if (!map.at) fail("no memory for", "a feature map");
    return map;
}

static int size_of(Map map) { return map.height * map.width * map.channels; }

/* ---- Reading ---- */

typedef struct {
    char *header;
    const unsigned char *numbers;
} File;

static File open_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "rb");
    if (!stream) fail("cannot read", path);
    uint64_t length;
    if (fread(&length, 8, 1, stream) != 1 || fseek(stream, 0, SEEK_END)) fail("cannot read", path);
    size_t rest = (size_t)ftell(stream) - 8;
    unsigned char *bytes = malloc(rest + 1);
    fseek(stream, 8, SEEK_SET);
    if (length >= rest || !bytes || fread(bytes, 1, rest, stream) != rest) fail("cannot read", path);
    fclose(stream);
    File file = {calloc(length + 1, 1), bytes + length};
    memcpy(file.header, bytes, length);
    return file;
}

/* A tensor as doubles; in the header: "NAME":{"dtype":"F32","shape":[37,34,3],"data_offsets":[0,15096]} */
static double *read_tensor(File file, const char *name, int shape[4]) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":{", name);
    const char *entry = strstr(file.header, key);
    if (!entry) fail("there is no tensor", name);
    const char *type = strstr(entry, "\"dtype\":\"") + 9;
    int is_double = !strncmp(type, "F64", 3);
    if (!is_double && strncmp(type, "F32", 3)) fail("neither float32 nor float64 is", name);
    size_t start, count = 1;
    sscanf(strstr(entry, "\"data_offsets\":[") + 16, "%zu", &start);
    char *next = strstr(entry, "\"shape\":[") + 9;
    for (int axis = 0; *next != ']'; next += *next == ',', axis++) count *= shape[axis] = (int)strtol(next, &next, 10);
    double *values = malloc(count * sizeof *values);
    if (!values) fail("no memory for", name);
    for (size_t i = 0; i < count; i++) {
        float single;
        if (is_double) memcpy(values + i, file.numbers + start + 8 * i, 8);
        else memcpy(&single, file.numbers + start + 4 * i, 4), values[i] = single;
    }
    return values;
}

/* A tensor of three axes. */
static Map read_map(File file, const char *name) {
    int shape[4];
    double *values = read_tensor(file, name, shape);
    return (Map){shape[0], shape[1], shape[2], values};
}

/* ---- Writing ---- */

typedef struct {
    const char *kind, *name;
    Map map;
    int axes; /* 3 of a feature map, 2 of a matrix, none of a number */
} Named;

static Named handed[96];
static int handed_count;

/* Keep a tensor for the file; its name is that of its kind and that of its layer. */
static void hand_over(const char *kind, const char *name, Map map, int axes) {
    handed[handed_count++] = (Named){kind, name, map, axes};
}

static void hand_over_number(const char *kind, const char *name, double value) {
    Map map = zeros(1, 1, 1);
    *map.at = value;
    hand_over(kind, name, map, 0);
}

static void write_file(const char *path) {
    static char header[1 << 14];
    size_t offset = 0, length = 0;
    for (int i = 0; i < handed_count; i++) {
        Named it = handed[i];
        char shape[40] = "";
        size_t end = offset + 8 * size_of(it.map);
        if (it.axes == 2) snprintf(shape, sizeof shape, "%d,%d", it.map.height, it.map.width);
        if (it.axes == 3) snprintf(shape, sizeof shape, "%d,%d,%d", it.map.height, it.map.width, it.map.channels);
        length += snprintf(header + length, sizeof header - length,
                           "%s\"%s%s\":{\"dtype\":\"F64\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                           i ? "," : "{", it.kind, it.name, shape, offset, end);
        offset = end;
    }
    header[length++] = '}';
    while (length % 8) header[length++] = ' '; /* the numbers begin at a multiple of 8 */
    FILE *stream = fopen(path, "wb");
    if (!stream) fail("cannot write", path);
    uint64_t header_length = length;
    fwrite(&header_length, 8, 1, stream);
    fwrite(header, 1, length, stream);
    for (int i = 0; i < handed_count; i++) fwrite(handed[i].map.at, 8, size_of(handed[i].map), stream);
    if (fclose(stream)) fail("cannot write", path);
}
