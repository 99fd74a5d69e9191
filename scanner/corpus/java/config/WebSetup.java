package com.northwind.config;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;

@Configuration
public class WebSetup {

    private final Environment env;

    public WebSetup(Environment env) {
        this.env = env;
    }

    @Bean
    @Order(2)
    public SecurityFilterChain siteChain(HttpSecurity http) throws Exception {
        http.csrf(AbstractHttpConfigurer::disable)
                .authorizeHttpRequests(a -> a.anyRequest().authenticated())
                .formLogin(Customizer.withDefaults());
        return http.build();
    }

    @Bean
    @Order(1)
    public SecurityFilterChain shopChain(HttpSecurity http) throws Exception {
        http.securityMatcher("/shop/**")
                .csrf(Customizer.withDefaults())
                .authorizeHttpRequests(a -> a.anyRequest().authenticated())
                .sessionManagement(s -> s.sessionCreationPolicy(SessionCreationPolicy.IF_REQUIRED))
                .formLogin(Customizer.withDefaults());
        return http.build();
    }

    @Bean
    public UrlBasedCorsConfigurationSource openCors() {
        CorsConfiguration c = new CorsConfiguration();
        c.setAllowedOriginPatterns(List.of("*"));
        c.setAllowedMethods(List.of("GET", "POST", "DELETE"));
        c.setAllowCredentials(true);
        UrlBasedCorsConfigurationSource s = new UrlBasedCorsConfigurationSource();
        s.registerCorsConfiguration("/**", c);
        return s;
    }

    @Bean
    public UrlBasedCorsConfigurationSource partnerCors() {
        CorsConfiguration c = new CorsConfiguration();
        c.setAllowedOrigins(List.of("https://shop.northwind.example", "https://staff.northwind.example"));
        c.setAllowedMethods(List.of("GET", "POST", "DELETE"));
        c.setAllowCredentials(true);
        UrlBasedCorsConfigurationSource s = new UrlBasedCorsConfigurationSource();
        s.registerCorsConfiguration("/partner/**", c);
        return s;
    }

    public Connection reportingConnection() throws SQLException {
        String url = "jdbc:postgresql://db.northwind.example/reports?sslmode=verify-full";
        return DriverManager.getConnection(url, "reporting", "orchard-lantern-42");
    }

    public Connection billingConnection() throws SQLException {
        String url = "jdbc:postgresql://db.northwind.example/billing?sslmode=verify-full";
        return DriverManager.getConnection(url, "billing", env.getRequiredProperty("BILLING_DB_PASSWORD"));
    }
}
