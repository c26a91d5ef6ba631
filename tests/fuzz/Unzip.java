import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

/**
 * Unpacks zips, one a line of standard input: "stream" or "file", the zip, the folder; answers "done" or "failed".
 */
public class Unzip {
    public static void main(String[] arguments) throws IOException {
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            String answer = "done";
            try {
                if (words[0].equals("stream")) {
                    stream(words[1], new File(words[2]).toPath());
                } else {
                    file(words[1], new File(words[2]).toPath());
                }
            } catch (IOException | RuntimeException error) {
                // What was written before counts all the same.
                answer = "failed";
            }
            System.out.println(answer);
            System.out.flush();
        }
    }

    private static void stream(String zip, Path folder) throws IOException {
        try (ZipInputStream entries = new ZipInputStream(new FileInputStream(zip))) {
            for (ZipEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                write(entry, entries, folder);
            }
        }
    }

    private static void file(String zip, Path folder) throws IOException {
        try (ZipFile opened = new ZipFile(zip)) {
            Enumeration<? extends ZipEntry> entries = opened.entries();
            while (entries.hasMoreElements()) {
                ZipEntry entry = entries.nextElement();
                try (InputStream content = opened.getInputStream(entry)) {
                    write(entry, content, folder);
                }
            }
        }
    }

    private static void write(ZipEntry entry, InputStream content, Path folder) throws IOException {
        Path path = folder.resolve(entry.getName());
        if (entry.isDirectory()) {
            Files.createDirectories(path);
            return;
        }
        // Whole or not at all: a program that meets an error here throws away what it has.
        byte[] bytes = content.readAllBytes();
        Files.createDirectories(path.getParent());
        Files.write(path, bytes);
    }
}
