// A directory that is gone when the test is over, and files in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace chaos::test {

class TempDir {
public:
    TempDir() {
        std::string pattern = "/tmp/chaos-unit.XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        // A guard that is just ending may make a file while the others are being removed.
        std::error_code ec;
        for (int i = 0; i < 50 && std::filesystem::exists(path_, ec); ++i) {
            std::filesystem::remove_all(path_, ec);
        }
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }

    void write(const std::string& name, const std::string& text) const {
        const auto file = std::filesystem::path{path_} / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file, std::ios::binary} << text;
    }

private:
    std::string path_;
};

inline std::string read_text(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace chaos::test
