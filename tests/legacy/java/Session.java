import java.io.FileInputStream;
import java.io.OutputStream;
import java.net.URL;
import java.security.KeyStore;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Begin a session (A001): Session URL TRUST.p12 KEYS TYPE ASID TOKEN. Passwords are "changeit". */
class Session {
    public static void main(String[] words) throws Exception {
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store(words[1], "PKCS12"));
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store(words[2], words[3]), "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        HttpsURLConnection connection = (HttpsURLConnection) new URL(words[0]).openConnection();
        connection.setSSLSocketFactory(context.getSocketFactory());
        connection.setRequestProperty("XAPI_ASID", words[4]);
        connection.setRequestProperty("Content-Type", "application/json");
        connection.setDoOutput(true);
        try (OutputStream body = connection.getOutputStream()) {
            body.write(("{\"token\": \" " + words[5] + "\"}").getBytes("UTF-8"));
        }
        System.out.println(connection.getResponseCode());
    }

    static KeyStore store(String path, String type) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        try (FileInputStream file = new FileInputStream(path)) {
            store.load(file, "changeit".toCharArray());
        }
        return store;
    }
}
