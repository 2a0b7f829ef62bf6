/** Known shares of CPU time: alpha 50, beta 30, gamma 20 %. */
public class Shares {
	static long alpha(long x, int n) {
		for (int i = 0; i < n; i++) { x ^= x << 13; x ^= x >>> 7; x ^= x << 17; }
		return x | 1;
	}

	static long beta(long x, int n) {
		for (int i = 0; i < n; i++) { x ^= x << 13; x ^= x >>> 7; x ^= x << 17; }
		return x | 3;
	}

	static long gamma(long x, int n) {
		for (int i = 0; i < n; i++) { x ^= x << 13; x ^= x >>> 7; x ^= x << 17; }
		return x | 5;
	}

	public static void main(String[] args) {
		long x = 7;
		for (int i = 0; i < Integer.parseInt(args[0]); i++) {
			x += alpha(x, 10000);
			x += beta(x, 6000);
			x += gamma(x, 4000);
		}
		System.out.println(x);
	}
}
