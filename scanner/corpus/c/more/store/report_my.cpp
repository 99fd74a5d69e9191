#include <mysql/mysql.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace report {

using Params = std::map<std::string, std::string>;

static Params read_params(std::istream &in)
{
    Params out;
    std::string line;
    while (std::getline(in, line) && !line.empty()) {
        auto eq = line.find('=');
        if (eq != std::string::npos)
            out[line.substr(0, eq)] = line.substr(eq + 1);
    }
    return out;
}

class Report {
public:
    explicit Report(MYSQL *db) : db_(db) {}
    int byRegion(std::istream &in);
    int byYear(std::istream &in);
    int byOwner(std::istream &in);
    int byLabel(std::istream &in);

private:
    int run(const std::string &sql);
    std::string quote(const std::string &s);
    MYSQL *db_;
};

int Report::run(const std::string &sql)
{
    if (mysql_real_query(db_, sql.data(), sql.size()) != 0)
        throw std::runtime_error(mysql_error(db_));
    MYSQL_RES *res = mysql_store_result(db_);
    if (!res)
        return 0;
    int n = static_cast<int>(mysql_num_rows(res));
    while (MYSQL_ROW row = mysql_fetch_row(res))
        std::cout << (row[0] ? row[0] : "-") << '\n';
    mysql_free_result(res);
    return n;
}

std::string Report::quote(const std::string &s)
{
    std::vector<char> buf(2 * s.size() + 1);
    unsigned long n = mysql_real_escape_string(db_, buf.data(), s.data(), s.size());
    return "'" + std::string(buf.data(), n) + "'";
}

int Report::byRegion(std::istream &in)
{
    Params p = read_params(in);
    std::ostringstream sql;
    sql << "SELECT name FROM sales WHERE region = '" << p["region"] << "'";
    sql << " LIMIT 100";
    return run(sql.str());
}

int Report::byYear(std::istream &in)
{
    Params p = read_params(in);
    int year = std::stoi(p["year"]);
    std::ostringstream sql;
    sql << "SELECT name FROM sales WHERE year = '" << year << "'";
    sql << " LIMIT 100";
    return run(sql.str());
}

int Report::byOwner(std::istream &in)
{
    Params p = read_params(in);
    std::string sql = "SELECT name FROM sales WHERE owner = " + quote(p["owner"]);
    return run(sql);
}

int Report::byLabel(std::istream &in)
{
    Params p = read_params(in);
    std::string quoted = quote(p["label"]);
    std::string sql = "SELECT name FROM sales WHERE label = '" + p["label"] + "'";
    if (quoted.size() > 130)
        return -1;
    return run(sql);
}

} // namespace report

int main(int argc, char **argv)
{
    MYSQL *db = mysql_init(nullptr);
    if (!db || !mysql_real_connect(db, nullptr, "report", nullptr, "sales", 0, nullptr, 0))
        return 1;
    report::Report r(db);
    std::string kind = argc > 1 ? argv[1] : "region";
    int n = kind == "region"  ? r.byRegion(std::cin)
            : kind == "year"  ? r.byYear(std::cin)
            : kind == "owner" ? r.byOwner(std::cin)
                              : r.byLabel(std::cin);
    std::cout << n << " rows\n";
    mysql_close(db);
    return 0;
}
