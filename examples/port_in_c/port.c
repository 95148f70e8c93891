/* A port of the recipe d2l to C11, which needs nothing but a bundle:
 *
 *     cc -O2 -o port port.c -lm && ./port BUNDLE OUT.safetensors
 *
 * From the pictures and weights of the bundle it computes every layer, Gram matrix, loss term and gradient, in double
 * precision, and writes them for `compare.py check OUT.safetensors --against BUNDLE`.
 */
#include <math.h>

#include "tensors.h"

enum { LAYERS = 29, STYLE_TAPS = 5 };
static const char *NAMES[LAYERS] = {
    "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1",
    "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2",
    "conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "conv3_4", "relu3_4", "pool3",
    "conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "conv4_4", "relu4_4", "pool4",
    "conv5_1"};
static const char *STYLE[STYLE_TAPS] = {"relu1_1", "relu2_1", "relu3_1", "relu4_1", "conv5_1"};
static const char *CONTENT = "relu4_4";
static const double CONTENT_WEIGHT = 1, STYLE_WEIGHT = 1e4, TV_WEIGHT = 10;
/* The recipe optimizes RGB less ImageNet's means, over its deviations; Oxford's weights want BGR in 0..255 less their
 * own means. The recipe's loss weights are tuned for inputs of unit variance: all is divided by UNIT. */
static const double MEAN[3] = {0.485, 0.456, 0.406}, STD[3] = {0.229, 0.224, 0.225};
static const double OXFORD_MEAN[3] = {123.68, 116.779, 103.939}, UNIT = 57.63;

typedef struct {
    const char *name;
    enum { CONV, RELU, POOL } kind;
    int in, out;
    double *kernel, *bias; /* kernel (3, 3, in, out), so that the innermost loop runs over neighbours in memory */
} Layer;

static Layer network[LAYERS];
typedef Map Maps[LAYERS + 1]; /* the input of network[i] at i, and its output at i + 1 */

/* The kernel and bias of a convolution. */
static void load(Layer *layer, File weights) {
    char name[64];
    int shape[4];
    snprintf(name, sizeof name, "%s/bias", layer->name);
    layer->bias = read_tensor(weights, name, shape);
    snprintf(name, sizeof name, "%s/weight", layer->name);
    double *oihw = read_tensor(weights, name, shape);
    layer->out = shape[0], layer->in = shape[1];
    layer->kernel = zeros(9, layer->in, layer->out).at;
    for (int o = 0; o < layer->out; o++)
        for (int c = 0; c < layer->in; c++)
            for (int place = 0; place < 9; place++)
                layer->kernel[(place * layer->in + c) * layer->out + o] = oihw[(o * layer->in + c) * 9 + place];
    free(oihw);
}

static void build(File weights) {
    for (int i = 0; i < LAYERS; i++) {
        char first = NAMES[i][0];
        network[i] = (Layer){.name = NAMES[i], .kind = first == 'c' ? CONV : first == 'r' ? RELU : POOL};
        if (network[i].kind == CONV) load(&network[i], weights);
    }
}

/* Call `visit` for every two positions that a place of the 3x3 kernel connects; what lies outside of the map is 0. */
static void convolve(Layer layer, Map x, Map y, void (*visit)(Layer, double *, double *, const double *)) {
    for (int row = 0; row < y.height; row++)
        for (int column = 0; column < y.width; column++)
            for (int place = 0; place < 9; place++) {
                int from_row = row + place / 3 - 1, from_column = column + place % 3 - 1;
                if (from_row < 0 || from_row >= x.height || from_column < 0 || from_column >= x.width) continue;
                double *in = x.at + (from_row * x.width + from_column) * layer.in;
                double *out = y.at + (row * y.width + column) * layer.out;
                visit(layer, in, out, layer.kernel + place * layer.in * layer.out);
            }
}

static void add_to_output(Layer layer, double *in, double *out, const double *kernel) {
    for (int c = 0; c < layer.in; c++)
        for (int o = 0; o < layer.out; o++) out[o] += in[c] * kernel[c * layer.out + o];
}

static void add_to_input(Layer layer, double *in, double *out, const double *kernel) {
    for (int c = 0; c < layer.in; c++) {
        double sum = 0;
        for (int o = 0; o < layer.out; o++) sum += out[o] * kernel[c * layer.out + o];
        in[c] += sum;
    }
}

/* Where in x the largest of a 2x2 window is; of equal ones the first, as in most frameworks. */
static int largest(Map x, int row, int column, int channel) {
    int best = (2 * row * x.width + 2 * column) * x.channels + channel;
    for (int place = 1; place < 4; place++) {
        int other = ((2 * row + place / 2) * x.width + 2 * column + place % 2) * x.channels + channel;
        if (x.at[other] > x.at[best]) best = other;
    }
    return best;
}

static Map forward(Layer layer, Map x) {
    if (layer.kind == POOL) { /* an odd edge is left out */
        Map y = zeros(x.height / 2, x.width / 2, x.channels);
        for (int i = 0; i < size_of(y); i++) {
            int position = i / y.channels;
            y.at[i] = x.at[largest(x, position / y.width, position % y.width, i % y.channels)];
        }
        return y;
    }
    int is_conv = layer.kind == CONV;
    Map y = zeros(x.height, x.width, is_conv ? layer.out : x.channels);
    for (int i = 0; i < size_of(y); i++) y.at[i] = is_conv ? layer.bias[i % y.channels] : fmax(x.at[i], 0);
    if (is_conv) convolve(layer, x, y, add_to_output);
    return y;
}

/* The gradient at a layer's input x, from the gradient at its output. */
static Map backward(Layer layer, Map x, Map gradient) {
    Map below = zeros(x.height, x.width, x.channels);
    if (layer.kind == CONV) convolve(layer, below, gradient, add_to_input);
    for (int i = 0; i < size_of(gradient) && layer.kind != CONV; i++) {
        int position = i / gradient.channels, row = position / gradient.width, column = position % gradient.width;
        if (layer.kind == POOL) below.at[largest(x, row, column, i % gradient.channels)] += gradient.at[i];
        else if (x.at[i] > 0) below.at[i] = gradient.at[i];
    }
    return below;
}

static void run(Map input, Maps kept) {
    kept[0] = input;
    for (int i = 0; i < LAYERS; i++) kept[i + 1] = forward(network[i], kept[i]);
}

/* Where in Maps a layer's output is. */
static int after(const char *name) {
    for (int i = 0; i < LAYERS; i++)
        if (!strcmp(network[i].name, name)) return i + 1;
    fail("there is no layer", name);
}

/* RGB in [0, 1], or the recipe's pixels, as the network's input. */
static Map to_input(Map rgb, int is_pixels) {
    Map input = zeros(rgb.height, rgb.width, 3);
    for (int i = 0; i < size_of(rgb); i++) {
        int c = i % 3;
        double value = is_pixels ? rgb.at[i] * STD[c] + MEAN[c] : rgb.at[i];
        input.at[i - c + 2 - c] = (255 * value - OXFORD_MEAN[c]) / UNIT; /* red comes last */
    }
    return input;
}

/* F^T F / M, of shape (channels, channels). */
static Map gram(Map f) {
    int positions = f.height * f.width;
    Map g = zeros(f.channels, f.channels, 1);
    for (int p = 0; p < positions; p++) {
        const double *values = f.at + p * f.channels;
        for (int a = 0; a < f.channels; a++)
            for (int b = 0; b < f.channels; b++) g.at[a * f.channels + b] += values[a] / positions * values[b];
    }
    return g;
}

/* k sum((x - target)^2); the gradient with respect to x is written to `slope`. */
static double squares(double k, Map x, Map target, Map slope) {
    double sum = 0;
    for (int i = 0; i < size_of(x); i++) {
        double difference = x.at[i] - target.at[i];
        sum += k * difference * difference;
        slope.at[i] = 2 * k * difference;
    }
    return sum;
}

static double content_loss(Map f, Map target, Map gradient) {
    return squares(CONTENT_WEIGHT / size_of(f), f, target, gradient);
}

/* Of G = F^T F / M, whose slope S is symmetric, the gradient with respect to F is 2 F S / M. */
static double style_loss(Map f, Map g, Map target, Map gradient) {
    int positions = f.height * f.width, channels = f.channels;
    Map slope = zeros(channels, channels, 1);
    double loss = squares(STYLE_WEIGHT / pow(channels, 4), g, target, slope);
    for (int p = 0; p < positions; p++)
        for (int a = 0; a < channels; a++) {
            double factor = 2 * f.at[p * channels + a] / positions;
            for (int b = 0; b < channels; b++) gradient.at[p * channels + b] += factor * slope.at[a * channels + b];
        }
    free(slope.at);
    return loss;
}

/* The mean absolute difference of neighbours, half of it down and half across, with its gradient. */
static double tv_loss(Map x, Map gradient) {
    double loss = 0;
    int steps[2] = {x.width * 3, 3}; /* down, across */
    double counts[2] = {(x.height - 1) * x.width * 3.0, x.height * (x.width - 1) * 3.0};
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i + steps[axis] < size_of(x); i++) {
            if (axis == 1 && i / 3 % x.width == x.width - 1) continue; /* no neighbour to the right */
            double difference = x.at[i + steps[axis]] - x.at[i], k = TV_WEIGHT / 2 / counts[axis];
            double slope = k * ((difference > 0) - (difference < 0));
            loss += k * fabs(difference);
            gradient.at[i + steps[axis]] += slope;
            gradient.at[i] -= slope;
        }
    return loss;
}

/* The content and style terms, and in `gradients` what each adds at its tap. */
static double losses(Maps image, Maps content, Maps style, Maps gradients) {
    int tap = after(CONTENT);
    double loss = content_loss(image[tap], content[tap], gradients[tap]), total = loss;
    hand_over("target/content/", CONTENT, content[tap], 3);
    hand_over_number("loss/content/", CONTENT, loss);
    for (int i = 0; i < STYLE_TAPS; i++) {
        tap = after(STYLE[i]);
        Map g = gram(image[tap]), target = gram(style[tap]);
        total += loss = style_loss(image[tap], g, target, gradients[tap]);
        hand_over("gram/", STYLE[i], g, 2);
        hand_over("target/style/", STYLE[i], target, 2);
        hand_over_number("loss/style/", STYLE[i], loss);
    }
    return total;
}

/* From the last layer to the input: what a tap's terms have added is there, and what comes from above is added. */
static void pass_back(Maps image, Maps gradients) {
    for (int i = LAYERS; i > 0; i--) {
        Map below = backward(network[i - 1], image[i - 1], gradients[i]);
        for (int j = 0; j < size_of(below); j++) gradients[i - 1].at[j] += below.at[j];
        free(below.at);
    }
    hand_over("gradient/features/", CONTENT, gradients[after(CONTENT)], 3);
    for (int i = 0; i < STYLE_TAPS; i++) hand_over("gradient/features/", STYLE[i], gradients[after(STYLE[i])], 3);
}

int main(int count, char **arguments) {
    if (count != 3) fail("give", "a bundle and the name of a .safetensors file to write");
    File tensors = open_file(arguments[1], "tensors.safetensors");
    build(open_file(arguments[1], "weights.safetensors"));
    Map pixels = read_map(tensors, "pixels"), gradient = zeros(pixels.height, pixels.width, 3);
    Maps image, content, style, gradients;
    run(to_input(pixels, 1), image);
    run(to_input(read_map(tensors, "content/resized"), 0), content);
    run(to_input(read_map(tensors, "style/resized"), 0), style);
    hand_over("", "input", image[0], 3);
    for (int i = 0; i < LAYERS; i++) hand_over("features/", network[i].name, image[i + 1], 3);

    for (int i = 0; i <= LAYERS; i++) gradients[i] = zeros(image[i].height, image[i].width, image[i].channels);
    double total = losses(image, content, style, gradients), tv = tv_loss(pixels, gradient);
    hand_over_number("loss/", "tv", tv);
    hand_over_number("loss/", "total", total + tv);
    pass_back(image, gradients);
    for (int i = 0; i < size_of(gradient); i++) {
        int c = i % 3;
        gradient.at[i] += gradients[0].at[i - c + 2 - c] * 255 * STD[c] / UNIT;
    }
    hand_over("gradient/", "pixels", gradient, 3);
    write_file(arguments[2]);
    printf("loss %g, %d tensors -> %s\n", total + tv, handed_count, arguments[2]);
}
