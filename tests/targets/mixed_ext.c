/* An extension of Python whose C functions each have one Python function that calls them. */
#include <Python.h>
#include <time.h>

static double cpu_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not inlined, not merged with its twin: their names are the truth. */
#define BURN(name, step)                                                 \
	__attribute__((noinline, noclone)) double name(double seconds)   \
	{                                                                \
		volatile double sum = 0;                                 \
		for (double end = cpu_now() + seconds; cpu_now() < end;) \
			for (int i = 0; i < 500; i++)                    \
				sum += step * i;                         \
		return sum;                                              \
	}
BURN(burn_under_alpha, 1.0)
BURN(burn_under_beta, 2.0)

static PyObject *alpha(PyObject *self, PyObject *argument)
{
	return PyFloat_FromDouble(burn_under_alpha(PyFloat_AsDouble(argument)));
}

static PyObject *beta(PyObject *self, PyObject *argument)
{
	return PyFloat_FromDouble(burn_under_beta(PyFloat_AsDouble(argument)));
}

static PyMethodDef methods[] = {
	{"alpha", alpha, METH_O, NULL}, {"beta", beta, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "mixed_ext", NULL, -1, methods};

PyMODINIT_FUNC PyInit_mixed_ext(void)
{
	return PyModule_Create(&module);
}
